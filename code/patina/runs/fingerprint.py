"""Digests of files: two files are the same if their contents are."""

import hashlib
from pathlib import Path
from typing import Protocol

from patina.system.places import present
from patina.system.stored_files import file_bytes, store_of

_DIGITS = 16


def file_digest(path: Path) -> str:
    """Return the first 16 hex digits of the SHA-256 of a file's content."""
    if store_of(path) is not None:
        return digest_of(file_bytes(path))
    present(path)
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()[:_DIGITS]


def digest_if_readable(path: Path) -> str | None:
    """Return `file_digest`, or None if the file cannot be read; reading it as a picture gives the error message."""
    try:
        return file_digest(path)
    except OSError:
        return None


def digest_of(content: bytes) -> str:
    """Return the `file_digest` of a file with this content."""
    return hashlib.sha256(content).hexdigest()[:_DIGITS]


class Named(Protocol):
    """A file with a name."""

    @property
    def name(self) -> str:
        """The name, unique in its folder."""

    @property
    def path(self) -> Path:
        """The file."""
