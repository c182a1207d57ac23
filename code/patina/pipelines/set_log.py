"""The log of a degraded set: a line for every LQ picture with everything that was drawn for it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patina.degradations.base import Size
from patina.degradations.description import describe
from patina.degradations.plans import Plan, Step
from patina.errors import PatinaError
from patina.runs.journal import Header, Result, Wanted, read_journal
from patina.runs.output_folder import OutputFolder
from patina.system.atomic import write_text

COMMAND = "degrade"
"""The command that makes sets."""

READABLE_NAME = "applied_degradations.txt"
"""A readable version of the log, beside it."""


@dataclass(frozen=True)
class Entry:
    """An LQ picture with everything that is done to make it.

    Attributes:
        output: its file, relative to the set's folder.
        source: name of the clean picture, see `Source`.
        source_digest: digest of the clean picture's file.
        variant: name of the recipe's variant; empty if the recipe has none.
        size: height and width of the clean picture, cropped to multiples of the scale.
        steps: everything that is done to the clean picture.
        digest: digest of the LQ picture's file; a file that must come out with another one is not written.
    """

    output: str
    source: str
    source_digest: str | None
    variant: str
    size: Size
    steps: Plan
    digest: str = ""

    @property
    def details(self) -> dict[str, Any]:
        """The details of the journal's line, as plain values."""
        steps = [step.to_dict() for step in self.steps]
        return {"variant": self.variant, "size": self.size, "steps": steps, "digest": self.digest}

    def to_result(self) -> Result:
        """Return the entry for the journal."""
        return Result(self.output, self.source, self.source_digest, self.details)

    @classmethod
    def from_result(cls, result: Result) -> "Entry":
        """Undo `to_result`.

        Raises:
            KeyError, TypeError: the result is not of a set.
        """
        details = dict(result.details)
        steps = tuple(Step(**step) for step in details.pop("steps"))
        size = tuple(details.pop("size"))
        return cls(result.output, result.source or "", result.source_digest, size=size, steps=steps, **details)


def by_source(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """Group entries by the name of their clean picture."""
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[entry.source].append(entry)
    return groups


def read_set_log(log: Path) -> tuple[Header, list[Entry]]:
    """Read the log of a set; an incomplete last line, which a killed run may leave, is ignored.

    Raises:
        PatinaError: the log is missing, or is no log of a set.
    """
    journal = read_journal(log, COMMAND)
    try:
        int(journal.header.made_by.settings["scale"])
        return journal.header, [Entry.from_result(result) for result in journal.results.values()]
    except (KeyError, TypeError, ValueError):
        raise PatinaError(f"{log} has lines that are not of `patina {COMMAND}`; expected the log of a set") from None


def begin_set(folder: OutputFolder, todo: Sequence[Wanted]) -> None:
    """Begin LQ pictures in the folder of a set, and remove its readable log, which becomes outdated."""
    if todo:
        (folder.path / READABLE_NAME).unlink(missing_ok=True)
    folder.begin(todo)


def finish_set(folder: OutputFolder) -> None:
    """Write the readable log of a set if it is missing, and finish the folder."""
    readable = folder.path / READABLE_NAME
    if not readable.exists():
        entries = map(Entry.from_result, folder.results)
        write_text(readable, "".join(f"{entry.output} - {describe(entry.steps, entry.size)}\n" for entry in entries))
    folder.finish()
