"""Whether a file is still the one that something was made of."""

import hashlib
from pathlib import Path

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


def digest_of(content: bytes) -> str:
    """Return `file_digest` of a file that is not yet written."""
    return hashlib.sha256(content).hexdigest()[:_DIGITS]


def still_holds(path: Path, digest: str) -> bool:
    """Say whether a file is what it was; one that cannot be read is not."""
    try:
        return file_digest(path) == digest
    except OSError:
        return False


def file_stamp(path: Path) -> Stamp:
    """Return what tells without reading it that a file was exchanged; a copy has another."""
    state = path.stat()
    return state.st_size, state.st_mtime_ns
