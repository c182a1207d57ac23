"""Boxes of AVIF, HEIC and JPEG XL."""

import struct

import pytest

from patina.imaging.boxes import boxes
from patina.imaging.picture_header import BrokenPicture

SHORT = struct.pack(">I4s", 11, b"shrt") + b"abc"
LONG = struct.pack(">I4sQ", 1, b"long", 18) + b"de"
REST = struct.pack(">I4s", 0, b"rest") + b"f"


def test_boxes_have_short_long_and_no_lengths():
    data = SHORT + LONG + REST
    assert [(kind, data[start:end]) for kind, start, end in boxes(data)] == [
        (b"shrt", b"abc"), (b"long", b"de"), (b"rest", b"f"),
    ]  # fmt: skip


@pytest.mark.parametrize("data", [SHORT[:-1], SHORT + LONG[:-1]])
def test_a_file_that_ends_within_a_box_is_truncated(data):
    with pytest.raises(BrokenPicture, match="is truncated"):
        list(boxes(data))
