"""The journal of an output folder, ``log.jsonl``: who made the results and how, and a line for every result.

The first line is the header. A line with the key ``begun`` announces an output, so that an incomplete file of a killed
run is not mistaken for a foreign file. Every other line is a result. Later lines win.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from patina.errors import PatinaError
from patina.runs.journal_place import LOG_NAME, folder_of_journal
from patina.runs.made_by import MadeBy, plain
from patina.system.inner_paths import require_inner_names, require_no_link_out
from patina.system.jsonl import Line, read_lines
from patina.system.typed_values import Malformed, typed

_OWN_KEYS = ("output", "source", "source_digest", "files", "file_bytes")


@dataclass(frozen=True)
class Header:
    """The first line of a journal.

    Attributes:
        version: version of Patina.
        made_by: the command with its settings and models.
        source: resolved path of the source folder or picture; None without source files.
    """

    version: str
    made_by: MadeBy
    source: str | None

    def to_line(self) -> Line:
        """Return the line of the journal."""
        return {"patina": self.version, **vars(self.made_by), "source": self.source}

    @classmethod
    def from_line(cls, line: Line) -> "Header":
        """Undo `to_line`.

        Raises:
            Malformed: the line is not a header.
        """
        values = dict(line)
        header = {"version": values.pop("patina", None), "source": values.pop("source", None)}
        return typed(cls, header | {"made_by": typed(MadeBy, values)})


@dataclass(frozen=True)
class Wanted:
    """A result that a command is to make.

    Attributes:
        output: name of the result in its folder; usually its file, relative to the folder.
        source: name of its source, None if it has none.
        details: values, e.g. the variant, that an earlier result must have in order not to be outdated.
        files: files to be written, relative to the folder; None for only `output`.
    """

    output: str
    source: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    files: Sequence[str] | None = None

    @property
    def paths(self) -> Sequence[str]:
        """All files that will be written, relative to the folder."""
        return (self.output,) if self.files is None else self.files

    def to_line(self) -> Line:
        """Return the line that says that the output is begun."""
        return {"begun": self.output} | ({} if self.files is None else {"files": list(self.files)})


@dataclass(frozen=True)
class Result:
    """A result that was made.

    Attributes:
        output, source: as in `Wanted`.
        source_digest: `file_digest` of the source, computed before the picture was read; None without a source.
        details: everything else that the command records; the line holds them beside the other values.
        files: all its files, relative to the folder; None for the one called `output`.
        file_bytes: size of all files together; if it is given, files of another size are outdated.
    """

    output: str
    source: str | None = None
    source_digest: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    files: Sequence[str] | None = None
    file_bytes: int | None = None

    @property
    def paths(self) -> Sequence[str]:
        """All its files, relative to the folder."""
        return (self.output,) if self.files is None else self.files

    def to_line(self) -> Line:
        """Return the line of the journal.

        Raises:
            ValueError: a detail is called like one of the journal's own keys.
        """
        if taken := self.details.keys() & {*_OWN_KEYS, "begun"}:
            raise ValueError(f"{self.output}: the journal has a key {', '.join(sorted(taken))} of its own")
        own = {name: value for name in _OWN_KEYS if (value := getattr(self, name)) is not None}
        return own | dict(self.details)

    @classmethod
    def from_line(cls, line: Line) -> "Result":
        """Undo `to_line`.

        Raises:
            Malformed: the line is not a result.
        """
        details = dict(line)
        own = {name: details.pop(name) for name in _OWN_KEYS if name in details}
        return typed(cls, own | {"details": details})

    def agrees_with(self, wanted: Wanted) -> bool:
        """Whether the source and the details are the wanted ones."""
        if self.source != wanted.source:
            return False
        others = {name: value for name, value in wanted.details.items() if self.details.get(name) != value}
        return not others or all(self.details.get(name) == value for name, value in plain(others).items())


@dataclass
class Journal:
    """The content of a journal.

    Attributes:
        header: who made the results and how.
        results: by output.
        begun: files of the outputs that a run has begun, by output; they may be absent, half done or whole.
        is_tidy: whether the file has one line for every result and no others, as a run leaves it that is not killed.
    """

    header: Header
    results: dict[str, Result] = field(default_factory=dict)
    begun: dict[str, set[str]] = field(default_factory=dict)
    is_tidy: bool = False

    @classmethod
    def from_lines(cls, lines: Sequence[Line]) -> "Journal":
        """Read the lines of a journal.

        Raises:
            Malformed: they are something else.
        """
        if not lines:
            raise Malformed("no lines")
        journal = cls(Header.from_line(lines[0]))
        for line in lines[1:]:
            if "begun" in line:
                journal.begin(typed(Wanted, {"output": line["begun"], "files": line.get("files")}))
            else:
                journal.add(Result.from_line(line))
        return journal

    def begin(self, wanted: Wanted) -> set[str]:
        """Note that an output is about to be made; return its files from earlier runs."""
        self.is_tidy = False
        left = self.begun.pop(wanted.output, set())
        if (earlier := self.results.pop(wanted.output, None)) is not None:
            left = left.union(earlier.paths)
        self.begun[wanted.output] = left.union(wanted.paths)
        return left

    def add(self, result: Result) -> None:
        """Note a result; begun files that are not among its files stay begun."""
        self.results[result.output] = result
        if left := self.begun.pop(result.output, set()).difference(result.paths):
            self.begun[result.output] = left

    @property
    def files(self) -> set[str]:
        """All files that are known to be the folder's own."""
        return self.result_files.union(*self.begun.values())

    @property
    def result_files(self) -> set[str]:
        """The files of all results."""
        return {path for result in self.results.values() for path in result.paths}

    def ordered(self, sources: Collection[str]) -> list[Result]:
        """Return the results in the order of the sources, followed by those of other sources."""
        place = {name: index for index, name in enumerate(sources)}
        return sorted(
            self.results.values(), key=lambda result: (place.get(result.source or "", len(place)), result.output)
        )

    def is_ordered(self, sources: Collection[str]) -> bool:
        """Whether the results stand in the order of the sources."""
        return self.ordered(sources) == list(self.results.values())

    def to_lines(self, sources: Collection[str]) -> Iterator[Line]:
        """Yield the lines of the journal; results are in the order of the sources."""
        yield self.header.to_line()
        yield from (result.to_line() for result in self.ordered(sources))
        yield from ({"begun": output, "files": sorted(files)} for output, files in self.begun.items())


def read_journal(log: Path, command: str | None = None) -> Journal:
    """Read a journal; half a line that a killed run has left is passed over.

    Args:
        log: the file.
        command: the command that must have made the folder; None for any.

    Raises:
        PatinaError: the file is missing, is something else, or is of another command.
    """
    expected = f"expected the {LOG_NAME} of `patina {command}`" if command else f"expected the {LOG_NAME} of results"
    if not log.is_file():
        raise PatinaError(f"{log}: no such file; {expected}")
    if (journal := parsed_journal(log)) is None:
        raise PatinaError(f"{log} is not a journal of results; {expected}")
    if command not in (None, journal.header.made_by.command):
        raise PatinaError(f"{log} was written by `patina {journal.header.made_by.command}`; {expected}")
    require_inner_files(log, journal)
    return journal


def earlier_journal(log: Path) -> Journal:
    """Read the journal of a folder that is to be continued or replaced.

    Raises:
        PatinaError: the file is something else, or names files outside of its folder.
    """
    if (journal := parsed_journal(log)) is None:
        raise PatinaError(f"{log} is not a journal of results; choose another output folder")
    require_inner_files(log, journal)
    return journal


def parsed_journal(log: Path) -> Journal | None:
    """Parse a file; return None if it is not a journal."""
    try:
        journal = Journal.from_lines(read_lines(log))
    except Malformed:
        return None
    content = log.read_bytes()
    journal.is_tidy = content.endswith(b"\n") and content.count(b"\n") == 1 + len(journal.results)
    return journal


def require_details(log: Path, journal: Journal, kind: Any) -> None:
    """Check what a journal says of its results, because it may be a stranger's.

    Args:
        log: its file, for the message.
        journal: the journal.
        kind: a dataclass that the details of every result must fit; details that it lacks are passed over.

    Raises:
        PatinaError: names the first result whose details are others.
    """
    for result in journal.results.values():
        try:
            typed(kind, dict(result.details))
        except Malformed as error:
            raise PatinaError(
                f"{log} describes {result.output} differently from this command ({error}); choose another output folder"
            ) from None


def require_inner_files(log: Path, journal: Journal) -> None:
    """Check that a journal's files lie in its folder and its sources in theirs, because it may be a stranger's.

    Raises:
        PatinaError: a file lies outside, or would be reached through a link; the message names it.
    """
    results = journal.results.values()
    # A result's name need not be among its files, and commands that make it again write to it all the same.
    outputs = journal.files.union(journal.results, journal.begun)
    require_inner_names(outputs, log)
    require_inner_names({result.source for result in results if result.source is not None}, log)
    require_no_link_out([LOG_NAME], log.parent)
    require_no_link_out(outputs, folder_of_journal(log))
