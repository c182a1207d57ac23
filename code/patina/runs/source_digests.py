"""Digests of the sources of a folder, kept so that a second command reads no source again."""

import os
import stat
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from patina.runs.fingerprint import Named, file_digest
from patina.system.jsonl import Line, append_lines, ensure_lines, read_lines
from patina.system.stored_files import Place, file_place, store_of
from patina.system.typed_values import Malformed, typed


@dataclass(frozen=True)
class _Known:
    """What a line of the file must hold."""

    source: str
    path: str
    size: int
    mtime_ns: int
    digest: str


class SourceDigests:
    """Digests of sources by path, size and time stamp: a file is read again only if one of these has changed.

    All methods may be called from several threads.

    Args:
        file: where the digests are kept; it may be deleted, and then the sources are read again.
    """

    def __init__(self, file: Path):
        self._file = file
        lines = list(_digests(read_lines(file)))
        self._known: dict[str, Line] = {line["source"]: line for line in lines}
        self._is_tidy = [line["source"] for line in lines] == sorted(self._known)
        self._watched: dict[str, Place] = {}
        self._unsaved: list[Line] = []
        self._resolved: dict[str, str] = {}
        self._lock = Lock()

    def of(self, source: Named) -> str:
        """Return the digest of a source.

        Raises:
            OSError: the source cannot be read.
        """
        place, known = self._place(source.path), self._known.get(source.name)
        if known is not None and place.items() <= known.items():
            return known["digest"]
        digest = file_digest(source.path)
        self._keep(source.name, place, digest)
        return digest

    def is_of(self, digest: str | None, source: Named) -> bool:
        """Whether a source has this digest; a source that cannot be read has none."""
        try:
            return self.of(source) == digest
        except OSError:
            return False

    def adopt(self, file: Path) -> None:
        """Take over the digests in another file of this kind."""
        for line in _digests(read_lines(file)):
            with self._lock:
                self._known.setdefault(line["source"], line)
                self._is_tidy = False

    def watch(self, source: Named) -> None:
        """Remember the place of a source before it is read, for `note`."""
        try:
            self._watched[source.name] = self._place(source.path)
        except OSError:
            self._watched.pop(source.name, None)

    def note(self, name: str, digest: str) -> None:
        """Keep the digest of a watched source, computed elsewhere.

        If the file was exchanged since it was watched, its place differs, so it will be read again.
        """
        if (place := self._watched.get(name)) is not None:
            self._keep(name, place, digest)

    def save(self) -> None:
        """Append new digests to the file."""
        with self._lock:
            if self._unsaved:
                append_lines(self._file, self._unsaved)
                self._unsaved = []

    def move(self, file: Path) -> None:
        """Keep the digests in another file from now on; known ones are written to it by `tidy`."""
        if file != self._file:
            self._file, self._is_tidy = file, False

    def tidy(self, names: Collection[str]) -> None:
        """Write the digests of the sources `names` in alphabetical order, and drop all others."""
        with self._lock:
            if self._is_tidy and self._known.keys() <= set(names):
                return
            self._unsaved = []
            if lines := [self._known[name] for name in sorted(names) if name in self._known]:
                ensure_lines(self._file, lines)

    def _keep(self, name: str, place: Place, digest: str) -> None:
        line = {"source": name, **place, "digest": digest}
        with self._lock:
            if self._known.get(name) != line:
                self._known[name] = line
                self._is_tidy = False
                self._unsaved.append(line)

    def _place(self, path: Path) -> Place:
        if (stored := store_of(path)) is not None:
            return file_place(path, stored)
        folder, name = os.path.split(os.fspath(path))
        if folder not in self._resolved:  # resolving every file of a large folder would take seconds
            self._resolved[folder] = os.path.realpath(folder)
        file, state = os.path.join(self._resolved[folder], name), os.lstat(path)
        if stat.S_ISLNK(state.st_mode):
            file, state = os.path.realpath(file), os.stat(path)
        return {"path": file, "size": state.st_size, "mtime_ns": state.st_mtime_ns}


def _digests(lines: Iterable[Line]) -> Iterator[Line]:
    """Yield the lines that are digests; any other costs no more than reading its source again."""
    for line in lines:
        with suppress(Malformed):
            typed(_Known, line)
            yield line
