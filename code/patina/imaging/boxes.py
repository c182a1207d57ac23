"""Boxes of length, type and payload (ISO/IEC 14496-12): what AVIF, HEIC and the container of JPEG XL are made of."""

import struct
from collections.abc import Iterator

from patina.imaging.picture_header import TRUNCATED, BrokenPicture
from patina.imaging.tiff_tags import Buffer


def boxes(data: Buffer) -> Iterator[tuple[bytes, int, int]]:
    """Yield type, start and end of the payload of every box of a file.

    Raises:
        BrokenPicture: the file ends within a box.
        struct.error: as above, within a box's header.
    """
    position = 0
    while position < len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        start = position + 8
        if length == 1:
            length, start = struct.unpack_from(">Q", data, start)[0], start + 8
        position = len(data) if length == 0 else position + max(length, 8)
        if position > len(data):
            raise BrokenPicture(TRUNCATED)
        yield kind, start, position


def require_whole_boxes(data: Buffer) -> None:
    """Check that a file ends with a box; errors as `boxes`."""
    for _ in boxes(data):
        pass
