"""The tags of TIFF files and EXIF blocks."""

import mmap
import struct

Buffer = bytes | mmap.mmap | memoryview

ORIENTATION = 274

_EXIF, _INTEROPERABILITY, _INDEX = 0x8769, 0xA005, 1
"""Tags that lead to the next directory, and the last one's tag of a colour space."""

_INTEGERS = {1: "B", 2: "B", 3: "H", 4: "I", 5: "I", 7: "B", 16: "Q"}  # 2 is text; 7 is the type of an ICC profile
_FRACTION = 5


def read_tags(data: Buffer, wanted: frozenset[int], directory: int | None = None) -> dict[int, tuple[int, ...]]:
    """Read the wanted tags of integers or text from a directory of a TIFF or BigTIFF, in either byte order.

    A fraction is read as two integers.

    Args:
        data: the whole file, or a memory map of it.
        wanted: numbers of tags.
        directory: where the directory begins; None for the first one.

    Raises:
        struct.error: the directory or a value lies behind the end of `data`.
        KeyError: `data` does not begin with a byte order.
    """
    order = {b"II": "<", b"MM": ">"}[bytes(data[:2])]
    big = struct.unpack_from(order + "H", data, 2)[0] == 43
    count_code, offset_code, inline, entry_size = ("Q", "Q", 8, 20) if big else ("H", "I", 4, 12)
    if directory is None:
        directory = struct.unpack_from(order + offset_code, data, 8 if big else 4)[0]
    entries = struct.unpack_from(order + count_code, data, directory)[0]
    first = directory + struct.calcsize(count_code)
    tags = {}
    for entry in range(first, first + entries * entry_size, entry_size):
        tag, code, count = struct.unpack_from(order + "HH" + offset_code, data, entry)
        if tag in wanted and code in _INTEGERS:
            values = f"{order}{count * (2 if code == _FRACTION else 1)}{_INTEGERS[code]}"
            start = entry + entry_size - inline
            if struct.calcsize(values) > inline:
                start = struct.unpack_from(order + offset_code, data, start)[0]
            tags[tag] = struct.unpack_from(values, data, start)
    return tags


def exif_orientation(payload: bytes) -> int:
    """Return the orientation in an EXIF block; 1 for an unreadable block, as every viewer assumes."""
    try:
        return valid_orientation(read_tags(payload, frozenset({ORIENTATION})))
    except (struct.error, KeyError):
        return 1


def exif_is_adobe_rgb(payload: bytes) -> bool:
    """Return whether an EXIF block calls the picture's colours Adobe RGB, as cameras do without a profile (DCF 2.0)."""
    try:
        directory = None
        for tag in (_EXIF, _INTEROPERABILITY):
            directory = read_tags(payload, frozenset({tag}), directory)[tag][0]
        return bytes(read_tags(payload, frozenset({_INDEX}), directory)[_INDEX][:3]) == b"R03"
    except (struct.error, KeyError, IndexError):
        return False


def valid_orientation(tags: dict[int, tuple[int, ...]]) -> int:
    """Return the orientation among the tags, 1 to 8; 1 where there is none or another number."""
    orientation = (tags.get(ORIENTATION) or (1,))[0]
    return orientation if 1 <= orientation <= 8 else 1
