"""Atomic writing of files: a file appears whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from patina.errors import PatinaError


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` when the block ends, remove it if the block fails.

    The temporary name is hidden and always the same, so a file left by a killed run appears in no list of pictures and
    the next run overwrites it. It has the suffix of `path`, from which encoders choose the format.

    Raises:
        PatinaError: the disk is full, or the folder is not writable.
    """
    path = Path(path)
    temporary = path.with_name(f".part-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(temporary)  # a stranger's folder may have a link there, which writing would follow
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        reason = error.strerror or error
        raise PatinaError(f"{path} cannot be written: {reason}; free some space or choose another place") from error
    finally:
        _remove(temporary)


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def write_text(path: Path, text: str) -> None:
    """Write `text` (UTF-8) to `path` atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
