"""TIFF pixels by tifffile: every compressed segment must give exactly the bytes that its part of the picture needs."""

import io
import logging
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import simplejpeg

from patina.errors import counted, is_of_system
from patina.imaging.colour_spaces import inks_to_srgb
from patina.imaging.lzw_check import lzw_damage
from patina.imaging.picture_header import BrokenPicture, PictureHeader
from patina.imaging.transparency import divided_by_alpha
from patina.imaging.value_spaces import stretched
from patina.system.notes import note

if TYPE_CHECKING:
    from tifffile import TiffPage

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _SEPARATED, _YCBCR = 0, 1, 2, 3, 5, 6
_COLOURS = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3, _PALETTE: 1, _SEPARATED: 4, _YCBCR: 3}
"""Channels of colour by photometric interpretation."""

_PLAIN, _LZW, _JPEG, _PACKBITS, _LZMA, _ZSTD = 1, 5, 7, 32773, 34925, 50000
_DEFLATE = frozenset({8, 32946})
_CHECKABLE = frozenset({_PLAIN, _LZW, _JPEG, _PACKBITS, _LZMA, _ZSTD}) | _DEFLATE
"""Compressions whose damage is noticed."""

_ASSOCIATED, _UNASSOCIATED = 1, 2
"""Values of the tag ExtraSamples: premultiplied (associated) alpha, and straight (unassociated) alpha."""

_BITS, _REQUIRED = 258, frozenset({259, 262})
"""Tags of the bits per sample (1 without it), and of the compression and the photometric interpretation."""

_PLANES, _INK_SET, _JPEG_TABLES = 284, 332, 347
_COPY_OR_MASK = 5
"""Bits of a page's kind: a smaller copy of another page, or its mask."""

_MOST_EXTRAS = 4
_ROOM = 2**24
"""Pixels that a tile may have whatever the size of the picture."""


def decode_tiff(header: PictureHeader, data: bytes) -> np.ndarray:
    """Decode the first picture of a TIFF without its orientation.

    Returns:
        uint8 or uint16: gray ``[H, W]``, gray and alpha ``[H, W, 2]``, RGB ``[H, W, 3]`` or RGBA ``[H, W, 4]``; depths
        between are stretched to the next of the two. Colours are not multiplied by alpha.

    Raises:
        BrokenPicture: damaged, or stored in a way that is not supported.
    """
    import tifffile

    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # its warnings about broken files say less than ours
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            page = file.pages[0]
            if not isinstance(page, tifffile.TiffPage):
                raise BrokenPicture("is a TIFF without an image; remove it")
            if page.subfiletype & _COPY_OR_MASK and (page.subifds or len(file.pages) > 1):
                raise _unsupported("begins with a preview or a mask of its image", "save the image alone")
            _require_supported(page, header)
            _require_whole(page, data)
            samples = np.asarray(page.asarray(maxworkers=1))
            return _picture(page, samples, header.colours.profile)
    except (BrokenPicture, MemoryError):
        raise
    except Exception as error:  # parsing damaged tags can end in anything
        if is_of_system(error):
            raise
        reason = " ".join(str(error).split())[:100] or type(error).__name__
        raise BrokenPicture(f"is a TIFF that cannot be decoded ({reason}); save it again or remove it") from None


def _require_supported(page: "TiffPage", header: PictureHeader) -> None:
    photometric, extras = page.photometric, page.samplesperpixel - _COLOURS.get(page.photometric, 1)
    tags = set(page.tags.keys()) | ({_BITS} if page.samplesperpixel == 1 else set())
    if not tags >= _REQUIRED | {_BITS} or page.tags.valueof(_PLANES, 1) not in (1, 2):
        raise BrokenPicture("is a TIFF without the tags that say how to read it; copy it again or remove it")
    if photometric not in _COLOURS or (photometric == _YCBCR and page.compression != _JPEG):
        raise _unsupported(f"stores its colours as {_name(photometric)}", "convert it to RGB")
    if photometric == _SEPARATED and page.tags.valueof(_INK_SET, 1) != 1:
        raise _unsupported("stores inks other than cyan, magenta, yellow and black", "convert it to RGB")
    if page.compression not in _CHECKABLE:
        raise _unsupported(f"is compressed by {_name(page.compression)}", "save it with LZW, deflate or no compression")
    depths = (8,) if page.compression == _JPEG else range(1, 17)
    if page.bitspersample not in depths:
        raise _unsupported(f"has {page.bitspersample} bits per channel", "convert it to 8 or 16 bit")
    described = extras <= 1 or len(page.extrasamples) == extras  # many programs leave alpha undescribed
    if not 0 <= extras <= _MOST_EXTRAS or not described or page.imagedepth != 1:
        raise _unsupported(f"has {page.samplesperpixel} channels", "convert it to gray or RGB, with or without alpha")
    if (page.imagelength, page.imagewidth) != (header.height, header.width):
        raise BrokenPicture("is a TIFF that states its size twice, differently; save it again or remove it")
    if page.tilelength * page.tilewidth > max(_ROOM, 4 * header.height * header.width):
        raise BrokenPicture("is a TIFF whose tiles are far larger than the image; save it again or remove it")


def _unsupported(what: str, remedy: str) -> BrokenPicture:
    return BrokenPicture(f"is a TIFF that {what}; {remedy}")


def _name(code: int) -> str:
    return f"{getattr(code, 'name', 'method')} ({int(code)})"


def _require_whole(page: "TiffPage", data: bytes) -> None:
    """Check that every strip or tile is there and decompresses to exactly its part of the picture.

    Raises:
        BrokenPicture: one does not.
    """
    segments = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    if len(segments) != math.prod(page.chunked) or any(size == 0 for _, size in segments):
        raise BrokenPicture("is a TIFF of which parts are missing; copy it again or remove it")
    tables = page.tags.valueof(_JPEG_TABLES, b"\xff\xd8\xff\xd9")
    for index, (start, size) in enumerate(segments):
        if start + size > len(data):
            raise BrokenPicture("is truncated (the end of the file is missing); copy it again or remove it")
        segment = data[start : start + size]
        if page.compression == _JPEG:
            # A segment's own tables stand behind the common ones and replace them.
            simplejpeg.decode_jpeg(tables[:-2] + segment[2:], "GRAY" if _jpeg_channels(page) == 1 else "RGB")
        elif page.compression not in _DEFLATE | {_LZMA}:  # these two have checksums, which tifffile checks
            _require_size(page, index, segment)


def _jpeg_channels(page: "TiffPage") -> int:
    return page.samplesperpixel if page.planarconfig == 1 else 1


def _require_size(page: "TiffPage", index: int, segment: bytes) -> None:
    import imagecodecs

    _, rows, columns, channels = page.decode(None, index)[2]
    row = (columns * channels * page.bitspersample + 7) // 8
    size, whole = row * rows, row * (page.tilelength if page.is_tiled else page.rowsperstrip)
    plain: bytes | bytearray = imagecodecs.bitorder_decode(segment) if page.fillorder == 2 else segment
    if page.compression == _LZW:
        damage = lzw_damage(plain, size) and lzw_damage(plain, whole)  # some writers fill the last strip up
    else:
        if page.compression == _PACKBITS:
            plain = imagecodecs.packbits_decode(plain)
        elif page.compression == _ZSTD:
            plain = imagecodecs.zstd_decode(plain, out=whole)
        fits = len(plain) in (size, whole) or (page.compression == _PLAIN and size < len(plain) < size + row)
        damage = "" if fits else f"{len(plain)} bytes instead of {size}"
    if damage:
        raise BrokenPicture(f"is damaged inside (part {index + 1}: {damage}); copy it again or remove it")


# From samples to colours


def _picture(page: "TiffPage", samples: np.ndarray, profile: bytes) -> np.ndarray:
    """Turn samples ``[H, W]``, ``[H, W, S]`` or ``[S, H, W]`` into gray or RGB, with or without alpha.

    Args:
        page: the page.
        samples: as they are stored.
        profile: the ICC profile of inks.
    """
    if page.planarconfig == 2 and samples.ndim == 3:
        samples = np.moveaxis(samples, 0, 2)
    samples = samples.reshape(page.imagelength, page.imagewidth, page.samplesperpixel)
    colours, alpha_at = _COLOURS[page.photometric], _place_of_alpha(page)
    whole = stretched(samples, page.bitspersample)
    colour, alpha = whole[..., :colours], whole[..., alpha_at : alpha_at + 1]
    if alpha.shape[2] and page.extrasamples[alpha_at - colours : alpha_at - colours + 1] == (_ASSOCIATED,):
        colour = divided_by_alpha(colour, alpha)
    if page.photometric == _PALETTE:
        colour = _palette(page)[samples[..., 0].astype(np.intp)]
        alpha = alpha if alpha.dtype == np.uint8 else (alpha >> 8).astype(np.uint8)
    elif page.photometric == _WHITE_IS_ZERO:
        colour = np.iinfo(colour.dtype).max - colour
    elif page.photometric == _SEPARATED:
        converted = inks_to_srgb(colour, profile)
        colour = _rgb_of_inks(colour) if converted is None else converted
    return np.dstack([colour, alpha]) if alpha.shape[2] else colour[..., 0] if colour.shape[2] == 1 else colour


def _place_of_alpha(page: "TiffPage") -> int:
    """Return which sample is alpha; one behind the last for none. Other samples beside the colours are noted."""
    colours, count = _COLOURS[page.photometric], page.samplesperpixel
    described = [
        colours + place for place, kind in enumerate(page.extrasamples) if kind in (_ASSOCIATED, _UNASSOCIATED)
    ]
    place = described[0] if described else colours if count == colours + 1 else count
    if (left_out := count - colours - (place < count)) > 0:
        note(f"read without {counted(left_out, 'channel')} beside their colours")
    return place


def _palette(page: "TiffPage") -> np.ndarray:
    """Return the colours ``[N, 3]`` of a palette, in 8 bit as the indices into it."""
    colours: Any = page.colormap
    if colours is None or colours.shape != (3, 2**page.bitspersample):
        raise BrokenPicture("is a TIFF without its palette; save it again or remove it")
    return (colours.T >> 8).astype(np.uint8) if colours.max() > 255 else colours.T.astype(np.uint8)


def _rgb_of_inks(inks: np.ndarray) -> np.ndarray:
    """Multiply the lights that cyan, magenta, yellow and black ``[H, W, 4]`` let through; 0 is no ink."""
    white = int(np.iinfo(inks.dtype).max)
    light = white - inks.astype(np.uint32)
    return ((light[..., :3] * light[..., 3:] + white // 2) // white).astype(inks.dtype)
