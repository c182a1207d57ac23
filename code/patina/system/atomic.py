"""Files that appear whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from patina.errors import PatinaError


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside `path`; rename it to `path` when the block ends, remove it if it fails.

    The temporary name is hidden and the same every time, so a killed run leaves nothing that a picture
    listing shows, and the next run writes over it. The suffix is kept, because encoders choose by it.

    Raises:
        PatinaError: the disk is full, or the place cannot be written to.
    """
    path = Path(path)
    temporary = path.with_name(f".part-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise PatinaError(f"{path} cannot be written: {error.strerror or error}; free or change the place") from error
    finally:
        _remove(temporary)


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def write_text(path: Path, text: str) -> None:
    """Write `text` (UTF-8) to `path` atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
