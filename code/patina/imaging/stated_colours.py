"""What TIFFs, BMPs, AVIFs and HEICs say about their colours otherwise than by an ICC profile."""

import struct
from collections.abc import Iterator

import numpy as np

from patina.imaging.boxes import boxes
from patina.imaging.colour_spaces import PRIMARIES, SRGB, ColourTags, coded_colours
from patina.imaging.picture_header import BrokenPicture
from patina.imaging.tiff_tags import Buffer
from patina.imaging.tone_curve import srgb_to_linear

TRANSFER, WHITE, CHROMATICITIES = 301, 318, 319
"""Tags of a TIFF: its transfer function, and the chromaticities of its white and its primaries, as pairs of numbers."""

_CURVE_SLACK, _POINT_SLACK, _GAMMA_SLACK = 0.02, 0.01, 0.02

_V4, _V5 = 108, 124
_CALIBRATED, _EMBEDDED, _LINKED = b"\0\0\0\0", b"DEBM", b"KNIL"
"""Sizes of a BMP's header, and kinds of colours in it."""

_COLOUR, _DEPTH, _CODED = b"colr", b"pixi", b"nclx"
_UNSPECIFIED, _SRGB_CODES = 2, (1, 13)
_WAY = ((b"meta", 4), (b"iprp", 0), (b"ipco", 0))
"""Boxes that lead to properties, one in the other, and how many bytes of their own these begin with."""


def tiff_colours(tags: dict[int, tuple[int, ...]], gray: bool) -> ColourTags:
    """Return what a TIFF's tags say (TIFF 6.0, section 20).

    Args:
        tags: those of the constants above that the file has.
        gray: whether it stores one channel of colour, whose primaries mean nothing.
    """
    if tags.get(TRANSFER) and not _is_srgb_curve(np.array(tags[TRANSFER], np.float64)):
        return ColourTags(unknown="a TIFF's transfer function")
    stored = tags.get(WHITE, ()) + tags.get(CHROMATICITIES, ())
    if gray or len(stored) != 16 or 0 in stored[1::2]:
        return SRGB
    points = tuple(round(over / under, 5) for over, under in zip(stored[::2], stored[1::2], strict=True))
    return SRGB if points == PRIMARIES[1] else ColourTags(chromaticities=points)


def _is_srgb_curve(stored: np.ndarray) -> bool:
    """Whether one or three tables of light, up to 65535, follow sRGB's curve, or one power that is close to it."""
    tables = stored.reshape(3, -1) if len(stored) % 3 == 0 else stored[None]
    expected = srgb_to_linear(np.linspace(0, 1, tables.shape[1]))
    return bool(np.abs(tables / 65535 - expected).max() <= _CURVE_SLACK)


def bmp_colours(data: Buffer) -> ColourTags:
    """Return what the header of a BMP says.

    Raises:
        struct.error: the file ends within it.
    """
    size = struct.unpack_from("<I", data, 14)[0]
    if size < _V4:
        return SRGB
    space = bytes(data[70:74])
    if space == _EMBEDDED and size >= _V5:
        start, length = struct.unpack_from("<II", data, 14 + 112)
        return ColourTags(profile=bytes(data[14 + start : 14 + start + length]) or b"?")
    if space == _LINKED:
        return ColourTags(unknown="a BMP's colour profile in another file")
    if space == _CALIBRATED and not _is_calibrated_to_srgb(struct.unpack_from("<12I", data, 74)):
        return ColourTags(unknown="a BMP's own primaries and gamma")
    return SRGB


def _is_calibrated_to_srgb(stored: tuple[int, ...]) -> bool:
    """Whether primaries and gammas of a BMP are sRGB's, or not given; programs store the inverse of a gamma, too."""
    ends, gammas = np.array(stored[:9], np.float64).reshape(3, 3), np.array(stored[9:]) / 2**16
    with np.errstate(divide="ignore", invalid="ignore"):
        points = ends[:, :2] / ends.sum(axis=1, keepdims=True)
        gammas = np.minimum(gammas, 1 / gammas)
    are_points_usual = not ends.any() or np.abs(points - np.reshape(PRIMARIES[1][2:], (3, 2))).max() <= _POINT_SLACK
    are_gammas_usual = not any(stored[9:]) or np.abs(gammas - 1 / 2.2).max() <= _GAMMA_SLACK
    return bool(are_points_usual and are_gammas_usual)


def item_statements(data: Buffer, kind: str) -> tuple[ColourTags, int]:
    """Return what an AVIF or HEIC says about the colours of its main image by codes, and the bits of its samples.

    Args:
        data: the whole file, or a memory map of it.
        kind: ``"AVIF"`` or ``"HEIC"``, for messages.

    Returns:
        SRGB and 8 bits for a file whose boxes cannot be followed: its library judges it.
    """
    colours, depth = SRGB, 8
    try:
        for name, payload in _main_properties(data):
            if name == _DEPTH and len(payload) > 5:
                depth = max(payload[5 : 5 + payload[4]], default=8)
            elif name == _COLOUR and payload[:4] == _CODED:
                given = struct.unpack_from(">HH", payload, 4)
                codes = [
                    usual if code == _UNSPECIFIED else code for code, usual in zip(given, _SRGB_CODES, strict=True)
                ]
                colours = coded_colours(codes[0], codes[1], kind)
    except (struct.error, IndexError, BrokenPicture):
        return SRGB, 8
    return colours, depth


def _main_properties(data: Buffer) -> list[tuple[bytes, bytes]]:
    """Return type and payload of the properties of the main item (ISO/IEC 23008-12, 9.3)."""
    found = list(_nested(data, ()))
    every = [(kind, payload) for path, kind, payload in found if path == (b"meta", b"iprp", b"ipco")]
    parts = {kind: payload for path, kind, payload in found if path in ((b"meta",), (b"meta", b"iprp"))}
    main = struct.unpack_from(">I" if parts[b"pitm"][0] else ">H", parts[b"pitm"], 4)[0] if b"pitm" in parts else None
    return [every[place - 1] for place in _associated(parts.get(b"ipma", bytes(8)), main) if 0 < place <= len(every)]


def _nested(data: Buffer, path: tuple[bytes, ...]) -> Iterator[tuple[tuple[bytes, ...], bytes, bytes]]:
    """Yield where a box is, its type and its payload, of all boxes that lead to properties."""
    for kind, start, end in boxes(data):
        payload = b"" if kind == b"mdat" else bytes(data[start:end])
        yield path, kind, payload
        depth = len(path)
        if depth < len(_WAY) and kind == _WAY[depth][0]:
            yield from _nested(payload[_WAY[depth][1] :], (*path, kind))


def _associated(payload: bytes, main: int | None) -> Iterator[int]:
    """Yield the places, counted from 1, of an item's properties in a box of associations."""
    version, flags, count = payload[0], payload[3], struct.unpack_from(">I", payload, 4)[0]
    position, code = 8, ">I" if version else ">H"
    for _ in range(count):
        item = struct.unpack_from(code, payload, position)[0]
        position += struct.calcsize(code)
        length, wide = payload[position], flags & 1
        position += 1
        for _ in range(length):
            place = struct.unpack_from(">H", payload, position)[0] & 0x7FFF if wide else payload[position] & 0x7F
            position += 2 if wide else 1
            if item == main:
                yield place
