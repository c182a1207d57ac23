"""The pages of a TIFF or BigTIFF: where their directories begin, and whether the chain of directories is whole."""

import struct
from dataclasses import dataclass

from patina.imaging.picture_header import BrokenPicture

TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""First bytes of TIFFs and BigTIFFs, in both byte orders."""

_KIND, _WIDTH, _HEIGHT = 254, 256, 257
_COPY_OR_MASK = 5


@dataclass(frozen=True)
class TiffPages:
    """The pages of a TIFF.

    Attributes:
        starts: where the directories of its pages begin, without smaller copies and masks of a page.
        damage: what is wrong with the directory that the last one leads to; it continues a sentence that begins with
            the file's name. Empty if the chain ends as it should, or within the first directory.
    """

    starts: list[int]
    damage: str = ""

    def __len__(self) -> int:
        return len(self.starts) + bool(self.damage)


def tiff_pages(data: bytes) -> TiffPages:
    """Follow the directories of a TIFF; a damaged one after the first is one more page, as reading that one tells."""
    chain = _Chain(data)
    starts: list[int] = []
    visited: set[int] = set()
    try:
        place = chain.first_at
        while place != len(data) and (start := chain.offset(place)):  # some programs leave the last offset out
            if start in visited:
                return TiffPages(starts, "is a TIFF whose pages lead in a circle; save it again or remove it")
            entries, place = chain.directory(start)
            visited.add(start)
            if not starts or not chain.kind(entries) & _COPY_OR_MASK:
                starts.append(start)
    except struct.error:
        lost = f"is truncated (directory {len(visited) + 1} reaches beyond the end of the file)"
    except _NoDirectory:
        lost = f"is damaged inside (directory {len(visited) + 1}, at byte {start}, has no size of an image)"
    else:
        lost = ""
    return TiffPages(starts, f"{lost}; copy it again or remove it") if starts and lost else TiffPages(starts or [0])


def page_alone(data: bytes, pages: TiffPages, place: int) -> bytes:
    """Return a TIFF that begins with another of its pages.

    Raises:
        BrokenPicture: it is the page that is damaged.
    """
    if place == len(pages.starts):
        raise BrokenPicture(pages.damage)
    return _Chain(data).beginning_at(pages.starts[place])


class _NoDirectory(ValueError):
    """There are other bytes than a directory's."""


class _Chain:
    """Reads directories in a file's byte order and size of offsets."""

    def __init__(self, data: bytes):
        self._data = data
        self._order, self._big = ("<" if data[:2] == b"II" else ">"), data[2:4] in (b"+\0", b"\0+")
        self._count, self._offset, self._entry = ("Q", "Q", 20) if self._big else ("H", "I", 12)
        self.first_at = 8 if self._big else 4

    def offset(self, place: int) -> int:
        """Return the offset that stands at a place.

        Raises:
            struct.error: the file ends before it.
        """
        return self._read(self._offset, place)

    def directory(self, start: int) -> tuple[dict[int, int], int]:
        """Return where the entry of every tag of a directory stands, and where the offset of the next directory does.

        Raises:
            struct.error: the file ends before the directory.
            _NoDirectory: there is none.
        """
        count = self._read(self._count, start)
        first = start + struct.calcsize(self._count)
        places = range(first, first + count * self._entry, self._entry)
        entries = {}
        for place in places:
            entries[self._read("H", place)] = place
        if not {_WIDTH, _HEIGHT} <= entries.keys():
            raise _NoDirectory
        return entries, places.stop

    def kind(self, entries: dict[int, int]) -> int:
        """Return the bits that say what a page is of another one; 0 for an image of its own."""
        if _KIND not in entries:
            return 0
        return self._read("I", entries[_KIND] + (12 if self._big else 8))

    def beginning_at(self, start: int) -> bytes:
        """Return the file with another directory as its first."""
        end = self.first_at + struct.calcsize(self._offset)
        return self._data[: self.first_at] + struct.pack(self._order + self._offset, start) + self._data[end:]

    def _read(self, code: str, place: int) -> int:
        if place > len(self._data):  # also beyond the largest offset that `struct` takes
            raise struct.error
        return int(struct.unpack_from(self._order + code, self._data, place)[0])
