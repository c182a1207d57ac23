"""Whether a file is still the one that something was made of."""

import hashlib
from pathlib import Path
from typing import Protocol

from patina.system.jsonl import append_lines, read_lines, write_lines

Stamp = tuple[int, int]
"""A file's size in bytes, and when it was changed, in nanoseconds."""

_DIGITS = 16


def file_digest(path: Path) -> str:
    """Return the first hex digits of the file's SHA-256: what it holds, wherever it lies."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()[:_DIGITS]


def digest_if_readable(path: Path) -> str | None:
    """Return `file_digest`, or None for a file that cannot be read; reading it as a picture says why in words."""
    try:
        return file_digest(path)
    except OSError:
        return None


def digest_of(content: bytes) -> str:
    """Return `file_digest` of a file that is not yet written."""
    return hashlib.sha256(content).hexdigest()[:_DIGITS]


def file_stamp(path: Path) -> Stamp:
    """Return what tells without reading it that a file was exchanged; a copy has another."""
    state = path.stat()
    return state.st_size, state.st_mtime_ns


class Named(Protocol):
    """A file and what it is called."""

    @property
    def name(self) -> str:
        """What it is called, unique in its folder."""

    @property
    def path(self) -> Path:
        """The file."""


class KnownDigests:
    """Digests of a folder's sources, kept with their stamps: a file of the same place and stamp is not read again.

    Args:
        folder: where what is made of the sources lies; a hidden file in it keeps them.
    """

    def __init__(self, folder: Path):
        self._file = folder / ".sources.jsonl"
        self._known = {line["source"]: line for line in read_lines(self._file)}

    def of(self, source: Named) -> str:
        """Return a source's digest."""
        line, place = self._known.get(source.name), _place(source)
        if line is not None and (line["file"], tuple(line["stamp"])) == place:
            return line["digest"]
        return self.note(source, file_digest(source.path))

    def note(self, source: Named, digest: str) -> str:
        """Keep a digest that is known, and return it."""
        file, stamp = _place(source)
        line = {"source": source.name, "file": file, "stamp": stamp, "digest": digest}
        self._known[source.name] = line
        append_lines(self._file, [line])
        return digest

    def noted(self, source: Named) -> str | None:
        """Return the digest that is kept of a source, whatever it holds now."""
        line = self._known.get(source.name)
        return None if line is None else line["digest"]

    def hold(self, source: Named, digest: str | None) -> bool:
        """Say whether a source is what it was; one that cannot be read is not."""
        try:
            return self.of(source) == digest
        except OSError:
            return False

    def tidy(self) -> None:
        """Put the kept digests in the order of their names."""
        if self._known:
            write_lines(self._file, [self._known[name] for name in sorted(self._known)])


def _place(source: Named) -> tuple[str, Stamp]:
    return str(source.path.resolve()), file_stamp(source.path)
