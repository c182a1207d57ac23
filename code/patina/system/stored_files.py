"""Files that may lie in a store: a tar, an LMDB, or a file of several images. ``c.tar/2019/a.png`` is a tar's member.

Everything that reads source images asks here, so that a path of either kind will do.
"""

import mmap
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from patina.system import lmdb_store, tar_index
from patina.system.lmdb_store import lmdb_value
from patina.system.places import present
from patina.system.tar_index import member_place, read_member

Buffer = bytes | mmap.mmap | memoryview
"""The content of a file."""

Place = dict[str, str | int]
"""A file's resolved path, its size in bytes, and its modification time in nanoseconds."""

_WITHIN = tuple(suffix + os.sep for suffix in (tar_index.SUFFIX, lmdb_store.SUFFIX))


FRAME_NAME = re.compile(r"frame-(\d{4,})\.png")
"""The name of an image within an animated or multi-page file; images are counted from 1."""

_frame_readers: list[Callable[[Path, str], bytes]] = []


def register_frames(reader: Callable[[Path, str], bytes]) -> None:
    """Let `patina.imaging`, which knows the formats, read the images within a file by its path and their name."""
    _frame_readers[:] = [reader]


def store_of(path: Path) -> tuple[Path, str] | None:
    """Return the store that a file lies in, and its name there; None for a file of its own."""
    text = os.fspath(path)
    if FRAME_NAME.fullmatch(path.name) and path.parent.is_file() and path.parent.suffix != tar_index.SUFFIX:
        return path.parent, path.name
    if not any(within in text for within in _WITHIN):
        return None
    for parent in reversed(path.parents):
        suffix = parent.suffix
        is_store = (suffix == tar_index.SUFFIX and parent.is_file()) or (
            suffix == lmdb_store.SUFFIX and (parent / lmdb_store.DATA).is_file()
        )
        if is_store:
            return parent, path.relative_to(parent).as_posix()
    return None


def key_of(name: str) -> str:
    """Return what the members of one sample share: the name up to the first dot after the last slash."""
    folder, slash, base = name.rpartition("/")
    return f"{folder}{slash}{base.split('.')[0]}"


def stem_of(path: Path) -> str:
    """Return the stem of a file; of one in a store, its key."""
    stored = store_of(path)
    return path.stem if stored is None else key_of(stored[1])


def file_bytes(path: Path) -> bytes:
    """Return the content of a file.

    Raises:
        OSError: it cannot be read.
        PatinaError: its store cannot be used.
    """
    stored = store_of(path)
    if stored is None:
        present(path)
        return path.read_bytes()
    if _is_tar(stored[0]):
        return read_member(*stored)
    if _is_frame(stored[1]):
        present(stored[0])
        return _frame_readers[0](*stored)
    with lmdb_value(*stored) as value:
        return bytes(value)


@contextmanager
def mapped_file(path: Path) -> Iterator[Buffer]:
    """Map a file into memory, so that only what is looked at is read.

    Raises:
        OSError, PatinaError: as `file_bytes`.
        ValueError: it is empty.
    """
    stored = store_of(path)
    if stored is None:
        present(path)
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            yield data
    elif _is_tar(stored[0]):
        offset, size = member_place(*stored)
        if not size:
            raise ValueError(f"{path} is empty")
        begin = offset - offset % mmap.ALLOCATIONGRANULARITY
        with stored[0].open("rb") as file:
            data = mmap.mmap(file.fileno(), offset + size - begin, access=mmap.ACCESS_READ, offset=begin)
        yield memoryview(data)[offset - begin :]  # unmapped with the last view of it
    elif _is_frame(stored[1]):
        yield memoryview(file_bytes(path))
    else:
        with lmdb_value(*stored) as value:
            yield value


def file_place(path: Path, stored: tuple[Path, str]) -> Place:
    """Return the place of a file in a store; a store that was written again has a new time stamp.

    Raises:
        OSError, PatinaError: as `file_bytes`.
    """
    container, name = stored
    if _is_tar(container):
        _, size = member_place(container, name)
        mtime_ns = tar_index.tar_index(container).mtime_ns
    elif _is_frame(name):
        state = os.stat(container)
        size, mtime_ns = state.st_size, state.st_mtime_ns
    else:
        with lmdb_value(container, name) as value:
            size = len(value)
        mtime_ns = os.stat(container / lmdb_store.DATA).st_mtime_ns
    return {"path": os.path.join(os.path.realpath(container), name), "size": size, "mtime_ns": mtime_ns}


def file_size(path: Path) -> int:
    """Return the size of a file in bytes; errors as `file_bytes`."""
    stored = store_of(path)
    return path.stat().st_size if stored is None else int(file_place(path, stored)["size"])


def _is_frame(name: str) -> bool:
    return FRAME_NAME.fullmatch(name) is not None


def _is_tar(container: Path) -> bool:
    return container.suffix == tar_index.SUFFIX
