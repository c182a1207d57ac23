"""Whether a file is still the one that something was made of."""

import hashlib
from pathlib import Path
from typing import Protocol

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
