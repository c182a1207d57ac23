"""From the bytes of a picture file to upright pixels, with the decoder that handles its format best."""

import io
import re

import cv2
import numpy as np
import simplejpeg
from PIL import Image, ImageOps

from patina.imaging.integrity import BrokenPicture, PictureHeader

MAX_PIXELS = 2**30
"""The largest picture accepted, in pixels: OpenCV's own limit."""

STRAY_BYTES = 16
"""How many bytes that belong to no pixel a JPEG may contain: some cameras leave a few."""

_JPEG_WARNING = "Corrupt JPEG data: "
_JPEG_DAMAGE = re.compile(r"premature end|bad Huffman code|(?P<bytes>\d+) extraneous bytes")

# OpenCV's own warnings about broken files say less than ours; OpenCV 5 moved the switch.
_set_log_level = cv2.setLogLevel if hasattr(cv2, "setLogLevel") else cv2.utils.logging.setLogLevel
_set_log_level(0)


def decode(header: PictureHeader, data: bytes) -> np.ndarray:
    """Decode a picture and turn it upright.

    Args:
        header: the result of `patina.imaging.integrity.inspect`.
        data: the whole file.

    Returns:
        uint8 or uint16 in OpenCV's channel order: ``[H, W]``, BGR ``[H, W, 3]`` or BGRA ``[H, W, 4]``.

    Raises:
        BrokenPicture: too large, damaged, not decodable, or pixels that are not 8 or 16-bit integers.
    """
    if header.height * header.width > MAX_PIXELS:
        raise BrokenPicture(
            f"is {header.width}x{header.height}; expected at most {MAX_PIXELS:,} pixels: cut it into several pictures"
        )
    if header.alpha_needs_pillow:
        pixels = _decode_alpha_with_pillow(data)
    elif header.kind == "JPEG":
        pixels = _decode_jpeg(header, data)
    else:
        pixels = _decode_with_opencv(header, data)
    if pixels is None:
        raise BrokenPicture(f"is a {header.kind} that cannot be decoded; save it again or remove it")
    if pixels.dtype not in (np.uint8, np.uint16):
        raise BrokenPicture(f"has {pixels.dtype} pixels; convert it to 8 or 16 bit")
    return pixels


def _decode_jpeg(header: PictureHeader, data: bytes) -> np.ndarray | None:
    """Decode with libjpeg-turbo directly: OpenCV gives the same pixels but hides libjpeg's damage reports."""
    try:
        pixels = simplejpeg.decode_jpeg(data, "GRAY" if header.gray else "BGR")
    except ValueError as error:
        reason = str(error).removeprefix(_JPEG_WARNING)
        damage = _JPEG_DAMAGE.match(reason)
        if damage and int(damage["bytes"] or STRAY_BYTES + 1) > STRAY_BYTES:
            raise BrokenPicture(f"is damaged inside ({reason}); copy it again or remove it") from None
        return _decode_with_opencv(header, data)
    return _upright(pixels[..., 0] if header.gray else pixels, header.orientation)


def _decode_with_opencv(header: PictureHeader, data: bytes) -> np.ndarray | None:
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if pixels is None or header.kind == "TIFF":  # OpenCV's TIFF decoder is the only one that applies the orientation
        return pixels
    return _upright(pixels, header.orientation)


def _decode_alpha_with_pillow(data: bytes) -> np.ndarray | None:
    try:
        with Image.open(io.BytesIO(data)) as image:
            pixels = np.asarray(ImageOps.exif_transpose(image).convert("RGBA"))
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    return pixels[..., [2, 1, 0, 3]]


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Undo an EXIF orientation (CIPA DC-008, tag 274)."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    # After the transposition, the eight orientations are the four combinations of two flips.
    flip_rows = orientation in (3, 4, 7, 8)
    flip_columns = orientation in (2, 3, 6, 7)
    return pixels[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]
