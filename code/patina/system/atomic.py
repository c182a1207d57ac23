"""Atomic writing of files: a file appears whole or not at all."""

import errno
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from patina.errors import PatinaError, listed

try:
    import fcntl
except ImportError:  # Windows does not rename files that are open, and has no such locks
    fcntl = None  # type: ignore[assignment]

HALF_WRITTEN = ".part-"
"""What the names of files that are being written begin with."""

LONGEST_NAME = 255
"""Bytes of the longest file name that the common file systems allow."""


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` when the block ends, remove it if the block fails.

    If two processes write the same file at once, the second is refused. The temporary name is hidden and always the
    same, so a file left by a killed run appears in no list of pictures and the next run overwrites it. Its suffix
    is that of `path`, because encoders choose the format by it.

    Raises:
        PatinaError: the disk is full, the folder is not writable, or another process writes the file.
    """
    path = Path(path)
    temporary = path.with_name(_temporary_name(path))
    held, is_renamed = None, False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        held = _held(temporary, path)
        yield temporary
        os.replace(temporary, path)
        is_renamed = True
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise PatinaError(f"{path} cannot be written: its name is too long; shorten it") from error
        reason = error.strerror or error
        raise PatinaError(f"{path} cannot be written: {reason}; free some space or choose another place") from error
    finally:
        if held is not None and not is_renamed:  # afterwards the name may be another process's already
            _remove(temporary)
        if held is not None:
            os.close(held)


def _held(temporary: Path, path: Path) -> int:
    """Make the temporary file, and keep other processes from writing it; return its descriptor."""
    while True:
        with suppress(FileNotFoundError):  # a stranger's folder may have a link there, which writing would follow
            there = temporary.lstat()
            if not stat.S_ISREG(there.st_mode) or there.st_nlink != 1:
                temporary.unlink()
        held = os.open(temporary, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        if not _is_locked(held):
            os.close(held)
            raise PatinaError(f"{path} is being written by another process; wait until it ends, or name another file")
        with suppress(FileNotFoundError):  # the process that held it before has just renamed it
            if os.path.samestat(os.fstat(held), os.stat(temporary)):
                return held
        os.close(held)


def _is_locked(descriptor: int) -> bool:
    """Lock an open file until it is closed; return False if another process has locked it."""
    if fcntl is not None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks
            return True
    return True


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
    name = f"{HALF_WRITTEN}{path.name}"
    if not _is_too_long(name) or _is_too_long(path.name):
        return name
    digest = hashlib.blake2b(os.fsencode(path.name), digest_size=8).hexdigest()
    return f"{HALF_WRITTEN}{digest}{path.suffix}"


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def write_text(path: Path, text: str) -> None:
    """Write `text` (UTF-8) to `path` atomically; bytes of paths that are no text are written as escapes."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
