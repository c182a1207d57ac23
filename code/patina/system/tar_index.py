"""Where the members of a tar begin, found once per tar and process, so that any of them is read at once."""

import io
import os
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patina.errors import PatinaError, listed
from patina.system.inner_paths import require_inner_names

SUFFIX = ".tar"

_BLOCK = 512
_LONGEST_HEADER = 1 << 20
"""Bytes of the longest name or extended header that is read; common ones have some hundreds."""

_DAMAGE = (tarfile.TarError, ValueError, LookupError, ArithmeticError, RecursionError)
"""What `tarfile` raises on headers of any content."""

_State = tuple[int, int]
_indices: dict[str, tuple[_State, "TarIndex"]] = {}


@dataclass(frozen=True)
class TarIndex:
    """The regular files in a tar.

    Attributes:
        places: offset and size in bytes, by name, in the order of the tar.
        others: number of links, devices and sparse files, which are not read.
        mtime_ns: time stamp of the tar.
    """

    places: dict[str, tuple[int, int]]
    others: int
    mtime_ns: int


def tar_index(path: Path) -> TarIndex:
    """Return the members of a tar; the file is walked again only if it has changed.

    Raises:
        PatinaError: the tar is missing, compressed, truncated, damaged or holds two members of one name, or names
            that lead out of their folder.
    """
    key = os.fspath(path)
    try:
        found = os.stat(path)
        state = found.st_size, found.st_mtime_ns
        known = _indices.get(key)
        if known is None or known[0] != state:
            known = _indices[key] = state, _walked(path, *state)
    except OSError as error:
        raise PatinaError(f"{path} cannot be read ({error.strerror}); expected a tar of images") from None
    return known[1]


def read_member(path: Path, name: str) -> bytes:
    """Return the content of a member.

    Raises:
        FileNotFoundError: the tar has no such member.
        OSError: the tar cannot be read.
        PatinaError: as `tar_index`.
    """
    offset, size = member_place(path, name)
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(size)


def member_place(path: Path, name: str) -> tuple[int, int]:
    """Return offset and size of a member in bytes; errors as `read_member`."""
    try:
        return tar_index(path).places[name]
    except KeyError:
        raise FileNotFoundError(2, "no such member", f"{path}/{name}") from None


class _TarFile(io.BufferedReader):
    """A tar whose headers can neither ask for more memory than a header needs, nor lead behind its end.

    Args:
        path: the file.
        size: its size in bytes.
    """

    def __init__(self, path: Path, size: int):
        super().__init__(io.FileIO(path))
        self._size = size

    def read(self, size: int | None = -1, /) -> bytes:
        """Read at most a header."""
        return super().read(min(_LONGEST_HEADER, self._size if size is None or size == -1 else size))

    def seek(self, place: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to a place."""
        if place > self._size:
            raise tarfile.ReadError("unexpected end of data")
        return super().seek(place, whence)


def _walked(path: Path, size: int, mtime_ns: int) -> TarIndex:
    places: dict[str, tuple[int, int]] = {}
    twice: list[str] = []
    others, last = 0, -1
    try:
        with _TarFile(path, size) as file, tarfile.open(fileobj=file, mode="r:") as opened:
            tar: Any = opened  # its list of members and its place have no types
            while (member := tar.next()) is not None:
                tar.members = []  # which would be kept to the end
                if member.offset <= last or member.size < 0:
                    raise tarfile.ReadError("a member has a negative size")
                last = member.offset
                if member.isreg() and not member.issparse():
                    name = member.name.removeprefix("./")
                    if places.setdefault(name, place := (member.offset_data, member.size)) != place:
                        twice.append(name)
                elif not member.isdir():
                    others += 1
            end = tar.offset
    except _DAMAGE as error:
        raise PatinaError(_unusable(path, error, size)) from None
    if not _ends_at(path, end) or any(offset + length > size for offset, length in places.values()):
        raise PatinaError(f"{path} is truncated or damaged after {len(places)} members; copy or make it again")
    require_inner_names(places, path)
    if twice:
        raise PatinaError(f"{path} holds more than one member named {listed(twice)}; make it again with one of each")
    return TarIndex(places, others, mtime_ns)


def _ends_at(path: Path, end: int) -> bool:
    """Whether the tar's end mark, a block of zeros, lies where the last member ends."""
    with path.open("rb") as file:
        file.seek(end)
        return file.read(_BLOCK) == bytes(_BLOCK)


def _unusable(path: Path, error: Exception, size: int) -> str:
    if size < 2 * _BLOCK or "unexpected end" in str(error):
        return f"{path} is truncated; copy or make it again"
    reason = error if isinstance(error, tarfile.TarError) else "a header is damaged"
    return f"{path} is not a tar ({reason}); expected an uncompressed tar"
