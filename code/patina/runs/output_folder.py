"""A command's output folder: results and a journal of how they were made, locked while the command writes.

    with OutputFolder.open(out, MadeBy("upscale", settings, models), source=source, sources=pictures) as folder:
        todo = folder.outdated([Wanted(f"{picture.stem}.png", picture.name) for picture in pictures])
        folder.begin(todo)
        ...  # make them, and hand over every result as soon as its files are written:
        folder.record([Result("a.png", "a.jpg", file_digest(path))])
        folder.finish()

Until `begin`, `prune` or `finish` is called, nothing in the folder changes."""

import dataclasses
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from patina.errors import PatinaError, counted
from patina.runs.fingerprint import Named
from patina.runs.folder_lock import folder_lock
from patina.runs.journal import Header, Journal, Result, Wanted, earlier_journal, require_details
from patina.runs.journal_place import LOG_NAME, digests_file, is_beside, journal_file, move_journal_out
from patina.runs.made_by import MadeBy, plain
from patina.runs.shards import Shard
from patina.runs.source_digests import SourceDigests
from patina.system.atomic import require_short_names
from patina.system.inner_paths import require_no_link_out
from patina.system.jsonl import append_lines, ensure_lines
from patina.system.place_names import lasting_name
from patina.system.telling import tell
from patina.version import __version__

Replace = Literal["never", "different", "always"]
"""Which results of an earlier command are replaced: none, those made differently, or all."""


class OutputFolder:
    """A folder that one command at a time fills with results; made by `open`.

    Attributes:
        path, log: the folder and its journal.
        digests: of its sources.
    """

    def __init__(self, path: Path, header: Header, sources: Sequence[Named], shard: Shard | None, images_only: bool):
        self.path, self.log, self._images_only = path, journal_file(path), images_only
        self._root = os.fspath(path)  # joined many thousand times, which paths are slow at
        self._header = header
        self._sources = {source.name: source for source in sources}
        self._journal = Journal(header)
        self._may_write = False
        self._is_stored = False  # whether the journal in the folder is this one
        self._replaced: set[str] = set()  # files of earlier results that give way
        self.digests = SourceDigests(digests_file(self.log))
        self._part = None if shard is None else set(shard.part(list(self._sources), header.source or path))
        self._lock = Lock()

    @classmethod
    @contextmanager
    def open(
        cls,
        path: Path,
        made_by: MadeBy,
        *,
        source: Path | None = None,
        sources: Sequence[Named] = (),
        replace: Replace = "never",
        exclusive: bool = False,
        wait: bool = False,
        read_only: bool = False,
        details: Any = None,
        shard: Shard | None = None,
        images_only: bool = False,
    ) -> Iterator["OutputFolder"]:
        """Lock a folder and compare its contents with the results to make.

        Results of the same command, settings and models are kept and continued, even if the sources were moved to
        another folder, as long as every recorded source is there. A folder without results may be used for anything.

        Args:
            path: the folder, made if it is missing.
            made_by: the command with its settings and models.
            source: the folder of sources, or the one picture.
            sources: all pictures in it, with unique names, in the order of the journal.
            replace: which earlier results to remove, at the first write, instead of refusing the folder.
            exclusive: refuse a folder that has files but no journal; hidden ones may be a killed run's.
            wait: wait for another command that writes into the folder, instead of refusing.
            read_only: only compare, for a dry run or a read-only medium. There is no lock, and `outdated`,
                `source_digest` and `results` alone may be used.
            details: a dataclass that the details of results to be continued must fit; None does not read them.
            shard: the part of the sources whose results are made; the folder is its own.
            images_only: move the journal out of the folder at the first write; one that is out stays so.

        Raises:
            PatinaError: another command writes into the folder, or the folder holds something else.
        """
        made_by = made_by if shard is None else shard.noted(made_by)
        header = Header(__version__, made_by, None if source is None else lasting_name(source))
        with nullcontext() if read_only else folder_lock(path, made_by.command, wait=wait):
            folder = cls(path, header, sources, shard, images_only)
            folder._compare_with_earlier(replace, exclusive, details)
            folder._may_write = not read_only
            try:
                yield folder
            finally:
                folder._may_write = False

    def outdated(self, wanted: Iterable[Wanted]) -> list[Wanted]:
        """Return the wanted results that must be made, in the given order.

        A result is outdated if it or one of its files is missing, if it was made with other details or of another
        source, or if the source has changed. A source with a new time stamp or place is read once to compare. Results
        of other shards are left out.
        """
        unchanged: dict[tuple[str, str | None], bool] = {}
        mine = (item for item in wanted if self._part is None or item.source in self._part)
        return [item for item in mine if not self._is_made(item, unchanged)]

    def source_digest(self, name: str) -> str:
        """Return the digest of a source, without reading the file if the digest is known already.

        Worker processes call `file_digest` instead, before they read the picture.

        Raises:
            OSError: the source cannot be read.
        """
        return self.digests.of(self._sources[name])

    def begin(self, wanted: Iterable[Wanted]) -> None:
        """Write down which results are about to be made, and remove their files from earlier runs.

        Raises:
            PatinaError: one of the files exists, and the journal does not know it.
        """
        wanted = list(wanted)
        with self._writing():
            self._refuse_foreign(path for item in wanted for path in item.paths)
            self._start()
            if wanted:
                self._journal.header = self._header  # written by `finish`
                append_lines(self.log, [item.to_line() for item in wanted])
            left = [self._journal.begin(item) for item in wanted]
            self._remove(set[str]().union(*left))
            for name in {item.source for item in wanted if item.source is not None}:
                self.digests.watch(self._sources[name])

    def record(self, results: Iterable[Result]) -> None:
        """Write down results whose files are complete; they survive if the run is killed afterwards.

        May be called from any thread and in any order.

        Raises:
            ValueError: a result was not begun.
        """
        results = [dataclasses.replace(result, details=plain(result.details)) for result in results]
        lines = [result.to_line() for result in results]
        with self._writing():
            for output in (result.output for result in results):
                if output not in self._journal.begun and output not in self._journal.results:
                    raise ValueError(f"{self.path / output} is recorded, but was not begun")
            append_lines(self.log, lines)
            for result in results:
                self._journal.add(result)
                if result.source is not None and result.source_digest is not None:
                    self.digests.note(result.source, result.source_digest)
            self.digests.save()

    def prune(self) -> list[str]:
        """Remove the results and files whose sources are gone, and report that in a line on standard error.

        Returns:
            The names of the sources.
        """
        with self._writing():
            results = self._journal.results
            known = {None, *self._sources}
            gone = [result for result in results.values() if result.source not in known]
            if not gone:
                return []
            for result in gone:
                del results[result.output]
            self._remove({path for result in gone for path in result.paths})
            self._store()
        names = list(dict.fromkeys(result.source for result in gone if result.source is not None))
        gone_from = f"{'that is' if len(names) == 1 else 'that are'} gone from {self._header.source}"
        tell(f"{self.path}: removed the results of {counted(len(names), 'image')} {gone_from}")
        return names

    def finish(self) -> None:
        """Write the journal in the order of the sources, and remove files that were begun but not recorded.

        An interrupted and continued run leaves the same bytes as an uninterrupted one. If nothing has changed,
        nothing is written.
        """
        with self._writing():
            self._start()
            left, self._journal.begun = set[str]().union(*self._journal.begun.values()), {}
            self._remove(left)
            if not (self._journal.is_tidy and self._journal.is_ordered(self._sources)):
                self._store()
            recorded = {result.source for result in self._journal.results.values() if result.source is not None}
            self.digests.tidy(recorded | self._sources.keys())

    @property
    def results(self) -> list[Result]:
        """All results in the order of the sources, followed by those of other sources."""
        return self._journal.ordered(self._sources)

    # Comparing

    def _compare_with_earlier(self, replace: Replace, exclusive: bool, details: Any) -> None:
        """Continue the journal in the folder, or decide whether its results may be replaced."""
        if not self.log.exists():
            if exclusive and self.path.exists() and any(name[0] != "." for name in os.listdir(self.path)):
                raise PatinaError(f"{self.path} is not empty and has no {LOG_NAME}; choose another output folder")
            return
        earlier = earlier_journal(self.log)
        difference = self._difference(earlier)
        if not difference and replace != "always":
            if details is not None:
                require_details(self.log, earlier, details)
            header = dataclasses.replace(earlier.header, source=self._header.source)
            is_tidy = earlier.is_tidy and header == earlier.header
            self._journal, self._is_stored = dataclasses.replace(earlier, header=header, is_tidy=is_tidy), True
            return
        if replace == "never" and earlier.result_files:
            it = f"it and {self.log.parent}," if is_beside(self.log) else "it"
            raise PatinaError(f"{self.path} was {difference}; remove {it} or choose another output folder")
        self._replaced = earlier.files

    def _difference(self, earlier: Journal) -> str:
        """Describe how earlier results differ from those of this command; empty if they do not."""
        now, before = self._header, earlier.header
        if difference := now.made_by.difference(before.made_by):
            return difference
        made_of = {result.source for result in earlier.results.values() if result.source is not None and result.paths}
        if now.source == before.source or made_of <= self._sources.keys():
            return ""
        gone = counted(len(made_of - self._sources.keys()), "image")
        return f"made of {before.source}, with {gone} that {now.source} does not have"

    def _is_made(self, wanted: Wanted, unchanged: dict[tuple[str, str | None], bool]) -> bool:
        result = self._journal.results.get(wanted.output)
        if result is None or not result.agrees_with(wanted) or not self._has_files(result):
            return False
        if result.source is None:
            return True
        key = (result.source, result.source_digest)
        if key not in unchanged:
            unchanged[key] = self.digests.is_of(result.source_digest, self._sources[result.source])
        return unchanged[key]

    def _has_files(self, result: Result) -> bool:
        try:
            size = sum(os.stat(f"{self._root}/{name}").st_size for name in result.paths)
        except OSError:
            return False
        return result.file_bytes in (None, size)

    def _refuse_foreign(self, names: Iterable[str]) -> None:
        own = self._journal.files | self._replaced
        names = list(names)
        require_short_names(names)
        require_no_link_out(names, self.path)
        for name in names:
            if name not in own and os.path.lexists(f"{self._root}/{name}"):
                raise PatinaError(
                    f"{self.path / name} exists and was not made by this command; choose another output folder"
                )

    # Writing

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock:
            if not self._may_write:
                raise ValueError(f"{self.path} is not open for writing")
            yield

    def _start(self) -> None:
        """Write the header of a new journal, after removing the results that it replaces."""
        if self._images_only:
            self.log = move_journal_out(self.path)
            self.digests.move(digests_file(self.log))
        if not self._is_stored:
            self._remove(self._replaced)
            self._store()
            self._is_stored = True

    def _store(self) -> None:
        ensure_lines(self.log, self._journal.to_lines(self._sources))

    def _remove(self, names: set[str]) -> None:
        """Remove files that belong to no result."""
        if names:
            for name in names - self._journal.result_files:
                with suppress(FileNotFoundError):
                    os.unlink(self.path / name)
