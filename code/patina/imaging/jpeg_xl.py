"""JPEG XL: reads the header of a codestream (ISO/IEC 18181-1), which imagecodecs does not expose; decodes frames."""

import struct
from bisect import bisect_left

import numpy as np

from patina.imaging.boxes import boxes, require_whole_boxes
from patina.imaging.colour_spaces import PRIMARIES, SRGB, ColourTags
from patina.imaging.picture_header import FLOAT, TRUNCATED, BrokenPicture, PictureHeader
from patina.imaging.tiff_tags import Buffer
from patina.imaging.value_spaces import stretched

CODESTREAM, CONTAINER = b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"
"""First bytes of a bare codestream, and of one in a container."""

_HEADER_BYTES = 4096
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
"""Width to height, by code."""

_GREY, _XYB, _CUSTOM, _LINEAR = 1, 2, 2, 8
_PRIMARIES = {1: 1, 9: 9, 11: 12}
"""Codes of primaries in ITU-T H.273, by JPEG XL's codes."""

_ALPHA, _SPOT, _CFA = 0, 2, 5
_SRGB_TRANSFERS = (1, 13)  # BT.709's curve counts as sRGB's, as elsewhere
_SIZE = ((9, 1), (13, 1), (18, 1), (30, 1))


def inspect_jxl(data: Buffer, thorough: bool) -> PictureHeader:
    """Read a codestream's header; arguments and errors as `patina.imaging.integrity.inspect`."""
    stream = bytes(data[:_HEADER_BYTES])
    if not stream.startswith(CODESTREAM):
        parts = ((start + (4 if kind == b"jxlp" else 0), end) for kind, start, end in boxes(data)
                 if kind in (b"jxlc", b"jxlp"))  # fmt: skip
        start, end = next(parts, (0, 0))
        stream = bytes(data[start : min(end, start + _HEADER_BYTES)])
        if thorough:
            require_whole_boxes(data)
    if not stream.startswith(CODESTREAM):
        raise BrokenPicture(TRUNCATED)
    try:
        return _header(_Bits(stream[2:]))
    except _Ended:
        raise BrokenPicture(TRUNCATED) from None


def decode_jxl(header: PictureHeader, data: bytes) -> np.ndarray:
    """Decode an image, or the first frame of an animation, after checking that the animation is complete; the library
    turns it upright.

    Raises:
        BrokenPicture: damaged, truncated, or pixels that are not integers.
    """
    if header.animated:
        jxl_frame_count(data)
    return decode_jxl_frame(header, data, 0)


def decode_jxl_frame(header: PictureHeader, data: bytes, number: int) -> np.ndarray:
    """Decode a frame, counted from 0, whatever follows it; errors as `decode_jxl`."""
    return stretched(_frame(data, number), header.bits)


def _frame(data: bytes, number: int, out: np.ndarray | None = None) -> np.ndarray:
    """Return the stored samples of a frame; if there is no such frame, `out` is returned unchanged."""
    import imagecodecs

    try:
        return np.asarray(imagecodecs.jpegxl_decode(data, index=number, out=out))
    except (imagecodecs.JpegxlError, ValueError, RuntimeError) as error:
        if str(error).endswith("JXL_DEC_NEED_MORE_INPUT"):
            raise BrokenPicture(TRUNCATED) from None
        raise BrokenPicture(f"is a JPEG XL that cannot be decoded ({error}); save it again or remove it") from None


def jxl_frame_count(data: bytes) -> int:
    """Return the number of frames of an animation.

    imagecodecs does not expose it, so it is found by bisection, which decodes about 2 log2(n) of n frames, the last
    one among them; those between are passed over.

    Raises:
        BrokenPicture: the file ends early, or one of these frames is damaged.
    """
    first = _frame(data, 0)

    def is_missing(number: int) -> bool:
        return all((_frame(data, number, np.full_like(first, mark)) == mark).all() for mark in (0, 1))

    beyond = 1
    while beyond < len(data) and not is_missing(beyond):
        beyond *= 2
    return bisect_left(range(beyond), True, lo=beyond // 2 + 1, key=is_missing)


def jxl_exif(data: Buffer) -> bytes:
    """Return the EXIF data of a container, a TIFF structure; empty if there are none, or only compressed ones."""
    if bytes(data[:12]) != CONTAINER:
        return b""
    for kind, start, end in boxes(data):
        if kind == b"Exif" and end - start > 4:
            offset = struct.unpack_from(">I", data, start)[0]
            return bytes(data[start + 4 + offset : end])
    return b""


class _Ended(ValueError):
    """The data end before the header does."""


class _Bits:
    """Reads numbers bit by bit, starting with the least significant bit of every byte."""

    def __init__(self, data: bytes):
        self._value, self._left = int.from_bytes(data, "little"), 8 * len(data)

    def take(self, count: int) -> int:
        """Return the next `count` bits as a number."""
        if count > self._left:
            raise _Ended
        found = self._value & ((1 << count) - 1)
        self._value >>= count
        self._left -= count
        return found

    def number(self, *choices: tuple[int, int]) -> int:
        """Return a number in one of four encodings, each given as its number of bits and an offset."""
        count, added = choices[self.take(2)]
        return self.take(count) + added

    def code(self) -> int:
        """Return the value of an enumeration."""
        return self.number((0, 0), (0, 1), (4, 2), (6, 18))


def _header(bits: _Bits) -> PictureHeader:
    height, width = _size(bits)
    orientation, colours, grey, animated, depth = 1, SRGB, False, False, 8
    if not bits.take(1):
        if bits.take(1):
            orientation = bits.take(3) + 1
            animated = _skipped_extra_fields(bits)
        depth = _depth_of_integers(bits)
        bits.take(1)
        for _ in range(bits.number((0, 0), (0, 1), (4, 2), (12, 1))):
            _skip_extra_channel(bits)
        is_xyb = bool(bits.take(1))
        colours, grey = _colours(bits, is_xyb)
    if orientation >= 5:
        height, width = width, height
    return PictureHeader("JPEG XL", height, width, gray=grey, animated=animated, bits=depth, colours=colours)


def _size(bits: _Bits) -> tuple[int, int]:
    small = bits.take(1)

    def side() -> int:
        return 8 * (bits.take(5) + 1) if small else bits.number(*_SIZE)

    height = side()
    ratio = bits.take(3)
    if ratio == 0:
        return height, side()
    across, down = _RATIOS[ratio - 1]
    return height, height * across // down


def _skipped_extra_fields(bits: _Bits) -> bool:
    """Skip fields that are rarely used; return whether the file is an animation."""
    if bits.take(1):
        _size(bits)
    if bits.take(1):
        _skip_preview(bits)
    animated = bool(bits.take(1))
    if animated:
        for choices in (
            ((0, 100), (0, 1000), (10, 1), (30, 1)), ((0, 1), (0, 1001), (8, 1), (10, 1)),
            ((0, 0), (3, 0), (16, 0), (32, 0)),
        ):  # fmt: skip
            bits.number(*choices)
        bits.take(1)
    return animated


def _skip_preview(bits: _Bits) -> None:
    by_eight = ((0, 16), (0, 32), (5, 1), (9, 33))
    choices = by_eight if bits.take(1) else ((6, 1), (8, 65), (10, 321), (12, 1345))
    bits.number(*choices)
    if bits.take(3) == 0:
        bits.number(*choices)


def _depth_of_integers(bits: _Bits) -> int:
    """Return the bits of a sample, 1 to 16; samples of other kinds are refused."""
    if bits.take(1) or (depth := bits.number((0, 8), (0, 10), (0, 12), (6, 1))) > 16:
        raise BrokenPicture(FLOAT)
    return depth


def _skip_extra_channel(bits: _Bits) -> None:
    if bits.take(1):
        return
    kind = bits.code()
    _depth_of_integers(bits)
    bits.number((0, 0), (0, 3), (0, 4), (3, 1))
    bits.take(8 * bits.number((0, 0), (4, 0), (5, 16), (10, 48)))
    if kind == _ALPHA:
        bits.take(1)
    elif kind == _SPOT:
        bits.take(64)
    elif kind == _CFA:
        bits.number((0, 1), (2, 0), (4, 3), (8, 19))


def _colours(bits: _Bits, is_xyb: bool) -> tuple[ColourTags, bool]:
    """Return the colour space of the decoded pixels, and whether they are grey."""
    if bits.take(1):
        return SRGB, False
    has_profile, space = bits.take(1), bits.code()
    grey = space == _GREY
    if has_profile:  # from XYB, the decoder makes sRGB; otherwise the pixels are the profile's
        return SRGB if is_xyb else ColourTags(unknown="a JPEG XL's colour profile, which cannot be read here"), grey
    white = bits.code() if space != _XYB else 1
    points = [_point(bits)] if white == _CUSTOM else []
    primaries = bits.code() if space not in (_GREY, _XYB) else 1
    corners = [_point(bits) for _ in range(3)] if primaries == _CUSTOM else []
    gamma = bits.take(24) / 1e7 if bits.take(1) else None
    transfer = 13 if gamma is not None else bits.code()
    if transfer not in (*_SRGB_TRANSFERS, _LINEAR) or (white, primaries) not in _KNOWN:
        return ColourTags(unknown=f"JPEG XL colours of white {white}, primaries {primaries}, transfer {transfer}"), grey
    gamma = 1.0 if transfer == _LINEAR else gamma
    known = PRIMARIES[_PRIMARIES.get(primaries, 1)]
    chosen = (points[0] if points else known[:2]) + (sum(corners, ()) if corners else known[2:])
    if chosen == PRIMARIES[1] and gamma is None:
        return SRGB, grey
    return ColourTags(chromaticities=() if grey else chosen, gamma=gamma), grey


_KNOWN = {(white, primaries) for white in (1, _CUSTOM) for primaries in (*_PRIMARIES, _CUSTOM)}
"""Pairs of a white point and primaries whose chromaticities are known, or are in the file."""


def _point(bits: _Bits) -> tuple[float, ...]:
    """Return a chromaticity, stored as two signed numbers in millionths."""
    stored = [bits.number((19, 0), (19, 524288), (20, 1048576), (21, 2097152)) for _ in range(2)]
    return tuple((-(value + 1) // 2 if value % 2 else value // 2) / 1e6 for value in stored)
