"""Headers of GIF, AVIF and HEIC files, and whether such a file is complete."""

import struct
from dataclasses import replace

from patina.imaging.boxes import require_whole_boxes
from patina.imaging.colour_spaces import ColourTags
from patina.imaging.folder_scan import HEIC_HINT, reads_heic
from patina.imaging.heic_pictures import heic_header
from patina.imaging.picture_header import NO_PICTURE, BrokenPicture, PictureHeader
from patina.imaging.plugin_pictures import UnreadablePlugin, open_with_plugin
from patina.imaging.stated_colours import item_statements
from patina.imaging.tiff_tags import Buffer, exif_orientation

# GIF: blocks of sub-blocks; the last one is a semicolon.

_GIF_EXTENSION, _GIF_PICTURE, _GIF_END = 0x21, 0x2C, 0x3B


def inspect_gif(data: Buffer, thorough: bool) -> PictureHeader:
    """Walk a GIF's blocks; arguments and errors as `patina.imaging.integrity.inspect`."""
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    position, pictures = 13 + _gif_palette(flags), 0
    while thorough and (kind := data[position]) != _GIF_END:
        if kind == _GIF_PICTURE:
            position += 10 + _gif_palette(data[position + 9]) + 1
            pictures += 1
        elif kind == _GIF_EXTENSION:
            position += 2
        else:
            raise BrokenPicture("is damaged inside (a block of no kind); copy it again or remove it")
        while length := data[position]:
            position += length + 1
        position += 1
    if thorough and not pictures:
        raise BrokenPicture(NO_PICTURE)
    return PictureHeader("GIF", height, width, animated=not thorough or pictures > 1)


def _gif_palette(flags: int) -> int:
    """Return the bytes of the palette that a byte of flags announces."""
    return 3 * 2 ** (1 + (flags & 7)) if flags & 0x80 else 0


# AVIF and HEIC: boxes, whose meaning is best left to their libraries.


def inspect_avif(data: Buffer, thorough: bool) -> PictureHeader:
    """Walk an AVIF's boxes; arguments and errors as `patina.imaging.integrity.inspect`."""
    if thorough:
        require_whole_boxes(data)
    try:
        with open_with_plugin("AVIF", bytes(data[:])) as image:
            (width, height), info = image.size, image.info
            header = _boxed("AVIF", data, width, height, info.get("exif") or b"", info.get("icc_profile") or b"")
            return replace(header, animated=getattr(image, "n_frames", 1) > 1)
    except UnreadablePlugin as error:
        raise _unopened("AVIF", error) from None


def inspect_heic(data: Buffer, thorough: bool) -> PictureHeader:
    """Walk a HEIC's boxes; arguments and errors as `patina.imaging.integrity.inspect`."""
    if not reads_heic():
        raise BrokenPicture(f"is HEIC, which needs another package to be read: {HEIC_HINT}")
    if thorough:
        require_whole_boxes(data)
    try:
        header = heic_header(bytes(data[:]))
    except UnreadablePlugin as error:
        raise _unopened("HEIC", error) from None
    return _boxed("HEIC", data, header.width, header.height, header.exif, header.profile)


def _boxed(kind: str, data: Buffer, width: int, height: int, exif: bytes, profile: bytes) -> PictureHeader:
    # Pillow's own reader of EXIF fails on damaged blocks.
    orientation = exif_orientation(exif.removeprefix(b"Exif\0\0"))
    stated, bits = item_statements(data, kind)
    colours = ColourTags(profile) if profile else stated
    return PictureHeader(kind, height, width, orientation, bits=bits, colours=colours)


def _unopened(kind: str, error: UnreadablePlugin) -> BrokenPicture:
    return BrokenPicture(f"cannot be opened as {kind} ({error}); save it again or remove it")
