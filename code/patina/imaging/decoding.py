"""Decode the bytes of a picture file to upright pixels, with a decoder for each format that reports damage."""

import numpy as np

from patina.imaging.heic_pictures import decode_heic
from patina.imaging.integrity import png_chunks
from patina.imaging.jpeg_decoding import decode_jpeg
from patina.imaging.jpeg_xl import decode_jxl
from patina.imaging.picture_header import BrokenPicture, PictureHeader
from patina.imaging.plugin_pictures import UnreadablePlugin, decode_with_plugin
from patina.imaging.png_passes import decode_passes, is_interlaced
from patina.imaging.size_limit import require_size
from patina.imaging.tiff_decoding import decode_tiff
from patina.system.notes import note

_DECIDE_PIXELS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})


def decode(header: PictureHeader, data: bytes) -> np.ndarray:
    """Decode a picture and turn it upright.

    Args:
        header: the result of `patina.imaging.integrity.inspect`.
        data: the whole file.

    Returns:
        uint8 or uint16: gray ``[H, W]``, gray and alpha ``[H, W, 2]``, RGB ``[H, W, 3]`` or RGBA ``[H, W, 4]``.

    Raises:
        BrokenPicture: too large, damaged, not decodable, or pixels that are not 8 or 16-bit integers.
    """
    require_size(header)
    pixels = _DECODERS[header.kind](header, data)
    if pixels.dtype == np.uint8 and header.bits > 8:
        note(f"reduced from {header.bits} to 8 bits")
    if pixels.shape[:2] != (header.height, header.width) or pixels.dtype not in (np.uint8, np.uint16):
        raise BrokenPicture(
            f"declares {header.width}x{header.height} pixels but contains others; save it again or remove it"
        )
    return _upright(pixels, header.orientation)


def _decode_png(_header: PictureHeader, data: bytes) -> np.ndarray:
    import imagecodecs

    bare = _bare_png(data)
    try:
        return decode_passes(bare, imagecodecs.png_decode) if is_interlaced(bare) else imagecodecs.png_decode(bare)
    except (imagecodecs.PngError, ValueError) as error:
        raise _undecodable("PNG", error) from None


def _bare_png(data: bytes) -> bytes:
    """Return a PNG without the chunks that do not decide its pixels; libpng prints warnings about them."""
    chunks = list(png_chunks(data))
    if all(kind in _DECIDE_PIXELS for kind, _, _ in chunks):
        return data
    view = memoryview(data)
    kept = [view[start - 8 : start + length + 4] for kind, start, length in chunks if kind in _DECIDE_PIXELS]
    return b"".join([view[:8], *kept])


def _decode_webp(header: PictureHeader, data: bytes) -> np.ndarray:
    import imagecodecs

    if header.animated:
        return _decode_with_pillow(header, data)
    try:
        return imagecodecs.webp_decode(data)
    except (imagecodecs.WebpError, ValueError) as error:
        raise _undecodable("WebP", error) from None


def _decode_with_pillow(header: PictureHeader, data: bytes) -> np.ndarray:
    try:
        return decode_with_plugin(header.kind, data)
    except UnreadablePlugin as error:
        raise _undecodable(header.kind, error) from None


def _decode_heic(_header: PictureHeader, data: bytes) -> np.ndarray:
    try:
        return decode_heic(data)
    except UnreadablePlugin as error:
        raise _undecodable("HEIC", error) from None


def _undecodable(kind: str, error: Exception) -> BrokenPicture:
    reason, article = " ".join(str(error).split()), "an" if kind == "AVIF" else "a"
    return BrokenPicture(f"is {article} {kind} that cannot be decoded ({reason}); save it again or remove it")


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Undo an EXIF orientation (CIPA DC-008, tag 274)."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    # After the transposition, the eight orientations are the four combinations of two flips.
    flip_rows = orientation in (3, 4, 7, 8)
    flip_columns = orientation in (2, 3, 6, 7)
    return pixels[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]


_DECODERS = {
    "PNG": _decode_png,
    "JPEG": decode_jpeg,
    "WebP": _decode_webp,
    "BMP": _decode_with_pillow,
    "GIF": _decode_with_pillow,
    "AVIF": _decode_with_pillow,
    "HEIC": _decode_heic,
    "JPEG XL": decode_jxl,
    "TIFF": decode_tiff,
}
