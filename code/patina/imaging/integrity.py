"""Headers of picture files, and whether a file is complete, both without decoding it.

Decoders pass over much damage silently, and most leave the EXIF orientation to their caller. So this module walks the
container formats themselves: their markers, sizes and checksums, never their pixels.
"""

import re
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping

from patina.imaging.colour_spaces import ADOBE_RGB, SRGB, ColourTags, png_colours
from patina.imaging.gif_and_boxes import inspect_avif, inspect_gif, inspect_heic
from patina.imaging.jpeg_xl import CODESTREAM, CONTAINER, inspect_jxl
from patina.imaging.picture_header import DAMAGED, FLOAT, NO_PICTURE, TRUNCATED, BrokenPicture, PictureHeader
from patina.imaging.stated_colours import CHROMATICITIES, TRANSFER, WHITE, bmp_colours, tiff_colours
from patina.imaging.tiff_tags import (
    ORIENTATION,
    Buffer,
    exif_is_adobe_rgb,
    exif_orientation,
    read_tags,
    valid_orientation,
)

_UNKNOWN = "is not a PNG, JPEG, WebP, BMP, TIFF, GIF, AVIF, HEIC or JPEG XL image; convert it or remove it"


def inspect(data: Buffer, *, thorough: bool = True) -> PictureHeader:
    """Read a picture's header by walking the file's structure.

    Args:
        data: the whole file, or a memory map of it.
        thorough: also check that the pixel data are complete; False touches the headers only.

    Raises:
        BrokenPicture: not one of these formats, truncated, damaged, or pixels that are not 8 or 16-bit integers.
    """
    start = bytes(data[:16])
    reader = next((read for test, read in _READERS if test(start)), None)
    if reader is None:
        raise BrokenPicture(_UNKNOWN)
    try:
        header = reader(data, thorough)
    except (struct.error, IndexError):
        raise BrokenPicture(TRUNCATED) from None
    if min(header.height, header.width) < 1:
        raise BrokenPicture(NO_PICTURE)
    return header


# PNG: chunks of length, type, payload and CRC; the last one is IEND.

_PNG_COLOURS = frozenset({b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM"})


def png_chunks(data: Buffer) -> Iterator[tuple[bytes, int, int]]:
    """Yield (type, payload start, payload length) of every chunk up to and including IEND.

    Raises:
        BrokenPicture: the file ends before IEND.
        struct.error: as above, within a chunk's header.
    """
    position, kind = 8, b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, position)
        position += 8
        if position + length + 4 > len(data):
            raise BrokenPicture(TRUNCATED)
        yield kind, position, length
        position += length + 4


def with_png_chunks(data: bytes, chunks: Mapping[bytes, bytes]) -> bytes:
    """Return a PNG with chunks, given by type, behind its header."""
    end = 8 + 12 + 13
    made = (struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))
            for kind, payload in chunks.items())  # fmt: skip
    return b"".join((data[:end], *made, data[end:]))


def _inspect_png(data: Buffer, thorough: bool) -> PictureHeader:
    orientation, animated, meaning = 1, False, {}
    first, width, height, _, colour = struct.unpack_from(">4sIIBB", data, 12)
    if first != b"IHDR":
        raise BrokenPicture("is a PNG that does not begin with its header; save it again or remove it")
    for kind, start, length in png_chunks(data):
        if thorough and not _png_checksum_holds(data, start, length):
            raise BrokenPicture(DAMAGED)
        if kind == b"eXIf":
            orientation = exif_orientation(bytes(data[start : start + length]))
        elif kind == b"acTL":
            animated = True
        elif kind in _PNG_COLOURS:
            meaning[kind] = bytes(data[start : start + length])
    colours = png_colours(meaning)
    return PictureHeader("PNG", height, width, orientation, colour in (0, 4), animated=animated, colours=colours)


def _png_checksum_holds(data: Buffer, start: int, length: int) -> bool:
    stored = struct.unpack_from(">I", data, start + length)[0]
    return zlib.crc32(data[start - 4 : start + length]) == stored


# JPEG: segments; after a start of scan, entropy-coded bytes follow up to the next real marker.

JPEG_EOI, JPEG_SOS = 0xD9, 0xDA
"""Markers of the end of a picture, and of the start of a scan."""

_JPEG_APP1, _JPEG_APP2 = 0xE1, 0xE2
_JPEG_PROFILE = b"ICC_PROFILE\0"
_JPEG_MARKER = re.compile(rb"\xff+([^\x00\x01\xff\xd0-\xd8])", re.DOTALL)
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def _inspect_jpeg(data: Buffer, thorough: bool) -> PictureHeader:
    orientation, frame, profile, colours = 1, None, {}, SRGB
    for marker, start, length in jpeg_segments(data):
        if marker in _JPEG_FRAMES:
            frame = struct.unpack_from(">HHB", data, start + 1)
        elif marker == _JPEG_APP1 and data[start : start + 6] == b"Exif\0\0":
            exif = bytes(data[start + 6 : start + length])
            orientation, colours = exif_orientation(exif), ADOBE_RGB if exif_is_adobe_rgb(exif) else SRGB
        elif marker == _JPEG_APP2 and data[start : start + 12] == _JPEG_PROFILE:
            profile[data[start + 12]] = bytes(data[start + 14 : start + length])  # parts have numbers
        elif marker == JPEG_SOS and not thorough:
            break
    if frame is None:
        raise BrokenPicture(NO_PICTURE)
    height, width, channels = frame
    if profile:
        colours = ColourTags(b"".join(profile[number] for number in sorted(profile)))
    return PictureHeader("JPEG", height, width, orientation, channels == 1, channels, colours=colours)


def jpeg_segments(data: Buffer) -> Iterator[tuple[int, int, int]]:
    """Yield (marker, payload start, payload length) of every segment, the end-of-image marker's last.

    Raises:
        BrokenPicture: the file ends before the end-of-image marker.
        struct.error: as above, within a segment's length.
    """
    position = 2
    while True:
        match = _JPEG_MARKER.search(data, position)
        if match is None:
            raise BrokenPicture(TRUNCATED)
        marker, start = match[1][0], match.end()
        if marker == JPEG_EOI:
            yield marker, start, 0
            return
        length = struct.unpack_from(">H", data, start)[0]
        yield marker, start + 2, length - 2
        position = start + length


# WebP: a RIFF file that states its size.


def _inspect_webp(data: Buffer, thorough: bool) -> PictureHeader:
    end = struct.unpack_from("<I", data, 4)[0] + 8
    if thorough and end > len(data):
        raise BrokenPicture(TRUNCATED)
    orientation, sizes, animated, colours = 1, [], False, SRGB
    position = 12
    while position + 8 <= end:
        kind, length = struct.unpack_from("<4sI", data, position)
        position += 8
        if kind in _WEBP_SIZES:
            sizes.append(_WEBP_SIZES[kind](data, position))
        elif kind == b"ANIM":
            animated = True
        elif kind == b"ICCP":
            colours = ColourTags(bytes(data[position : position + length]))
        elif kind == b"EXIF":
            orientation = exif_orientation(bytes(data[position : position + length]).removeprefix(b"Exif\0\0"))
        position += length + length % 2
    if not sizes:
        raise BrokenPicture(NO_PICTURE)
    height, width = sizes[0]
    return PictureHeader("WebP", height, width, orientation, animated=animated, colours=colours)


def _vp8_size(data: Buffer, start: int) -> tuple[int, int]:
    width, height = struct.unpack_from("<HH", data, start + 6)
    return height & 0x3FFF, width & 0x3FFF


def _vp8l_size(data: Buffer, start: int) -> tuple[int, int]:
    bits = struct.unpack_from("<I", data, start + 1)[0]
    return (bits >> 14 & 0x3FFF) + 1, (bits & 0x3FFF) + 1


def _vp8x_size(data: Buffer, start: int) -> tuple[int, int]:
    width, height = (int.from_bytes(data[start + 4 + 3 * i : start + 7 + 3 * i], "little") for i in (0, 1))
    return height + 1, width + 1


_WEBP_SIZES = {b"VP8 ": _vp8_size, b"VP8L": _vp8l_size, b"VP8X": _vp8x_size}


# BMP: a header, then rows, each padded to a multiple of four bytes.

_BMP_COLOURS = 256
"""The largest palette."""


def _inspect_bmp(data: Buffer, thorough: bool) -> PictureHeader:
    file_size, pixels, header_size = struct.unpack_from("<I4xII", data, 2)
    if header_size == 12:
        (width, height, _, bits), compression = struct.unpack_from("<HHHH", data, 18), 0
    else:
        width, height, _, bits, compression, colours = struct.unpack_from("<iiHHI12xI", data, 18)
        if bits <= 8 and colours > _BMP_COLOURS:
            raise BrokenPicture(f"is a BMP of {bits} bits with {colours} colours; save it again or remove it")
    height = abs(height)
    run_lengths = compression in (1, 2)
    needed = file_size if run_lengths else pixels + (width * bits + 31) // 32 * 4 * height
    if thorough and needed > len(data):
        raise BrokenPicture(TRUNCATED)
    return PictureHeader("BMP", height, width, colours=bmp_colours(data))


# TIFF: a directory of tags. EXIF is a TIFF without pixels.

_WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _SEPARATED = 256, 257, 258, 262, 5
_STRIPS, _STRIP_SIZES, _TILES, _TILE_SIZES, _FORMAT, _PROFILE = 273, 279, 324, 325, 339, 34675
_TIFF_TAGS = frozenset({
    _WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, ORIENTATION, _STRIPS, _STRIP_SIZES, _TILES, _TILE_SIZES, _FORMAT, _PROFILE,
    TRANSFER, WHITE, CHROMATICITIES,
})  # fmt: skip


def _inspect_tiff(data: Buffer, thorough: bool) -> PictureHeader:
    tags = read_tags(data, _TIFF_TAGS)
    bits = max(tags.get(_BITS, (1,)))
    if bits > 16 or any(code not in (1, 4) for code in tags.get(_FORMAT, ())):
        raise BrokenPicture(FLOAT)
    starts = tags.get(_STRIPS, ()) + tags.get(_TILES, ())
    sizes = tags.get(_STRIP_SIZES, ()) + tags.get(_TILE_SIZES, ())
    if thorough and any(start + size > len(data) for start, size in zip(starts, sizes, strict=False)):
        raise BrokenPicture(TRUNCATED)
    height, width = tags.get(_HEIGHT, (0,))[0], tags.get(_WIDTH, (0,))[0]
    photometric = tags.get(_PHOTOMETRIC, (2,))[0]
    profile = bytes(value & 255 for value in tags.get(_PROFILE, ()))  # no more than a byte each, but in damaged files
    channels = 4 if photometric == _SEPARATED else 3
    colours = ColourTags(profile) if profile or channels == 4 else tiff_colours(tags, photometric < 2)
    return PictureHeader("TIFF", height, width, valid_orientation(tags), photometric < 2, channels, colours=colours)


_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")

_READERS: tuple[tuple[Callable[[bytes], bool], Callable[[Buffer, bool], PictureHeader]], ...] = (
    (lambda start: start.startswith(b"\x89PNG\r\n\x1a\n"), _inspect_png),
    (lambda start: start.startswith(b"\xff\xd8\xff"), _inspect_jpeg),
    (lambda start: start[:4] == b"RIFF" and start[8:12] == b"WEBP", _inspect_webp),
    (lambda start: start.startswith(b"BM"), _inspect_bmp),
    (lambda start: start[:6] in (b"GIF87a", b"GIF89a"), inspect_gif),
    (lambda start: start[4:8] == b"ftyp" and start[8:12] in (b"avif", b"avis"), inspect_avif),
    (lambda start: start[4:8] == b"ftyp" and start[8:12] in _HEIC_BRANDS, inspect_heic),
    (lambda start: start.startswith((CODESTREAM, CONTAINER)), inspect_jxl),
    (lambda start: start[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), _inspect_tiff),
)
