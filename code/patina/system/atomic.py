"""Atomic writing of files: a file appears whole or not at all."""

import errno
import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from patina.errors import PatinaError, listed

LONGEST_NAME = 255
"""Bytes of the longest file name that the common file systems allow."""


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` when the block ends, remove it if the block fails.

    The temporary name is hidden and always the same, so a file left by a killed run appears in no list of pictures and
    the next run overwrites it. It has the suffix of `path`, from which encoders choose the format.

    Raises:
        PatinaError: the disk is full, or the folder is not writable.
    """
    path = Path(path)
    temporary = path.with_name(_temporary_name(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(temporary)  # a stranger's folder may have a link there, which writing would follow
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise PatinaError(f"{path} cannot be written: its name is too long; shorten it") from error
        reason = error.strerror or error
        raise PatinaError(f"{path} cannot be written: {reason}; free some space or choose another place") from error
    finally:
        _remove(temporary)


def require_short_names(names: Iterable[str]) -> None:
    """Check that files can have these names, relative paths, before any of them is written.

    Raises:
        PatinaError: names those that are too long.
    """
    if long := [name for name in names if any(map(_is_too_long, name.split("/")))]:
        raise PatinaError(f"{listed(long, 3)}: file names of more than {LONGEST_NAME} bytes; shorten the sources'")


def _is_too_long(name: str) -> bool:
    return len(os.fsencode(name)) > LONGEST_NAME


def _temporary_name(path: Path) -> str:
    """Return a hidden name, which a long name's digest makes short enough."""
    name = f".part-{path.name}"
    if not _is_too_long(name) or _is_too_long(path.name):
        return name
    digest = hashlib.blake2b(os.fsencode(path.name), digest_size=8).hexdigest()
    return f".part-{digest}{path.suffix}"


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def write_text(path: Path, text: str) -> None:
    """Write `text` (UTF-8) to `path` atomically; bytes of paths that are no text are written as escapes."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
