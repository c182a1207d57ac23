"""TIFF with EXIF data and a colour profile: one deflated strip, and one directory for its tags and those of EXIF."""

import struct
import zlib

import numpy as np
from PIL import Image

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _STRIP, _SAMPLES = 256, 257, 258, 259, 262, 273, 277
_ROWS, _STRIP_BYTES, _PLANES, _PREDICTOR, _EXTRA, _PROFILE = 278, 279, 284, 317, 338, 34675
_DEFLATE, _GREY, _RGB, _DIFFERENCES, _UNASSOCIATED = 8, 1, 2, 2, 2
_HEADER = 8


def tiff_bytes(pixels: np.ndarray, alpha: np.ndarray | None, exif: bytes, profile: bytes) -> bytes:
    """Return the bytes of a TIFF file (TIFF 6.0), little-endian.

    Args:
        pixels: ``[H, W, 3]`` RGB or ``[H, W]`` grey, uint8 or uint16.
        alpha: ``[H, W]`` of the same dtype, or None; not multiplied into the colours.
        exif: EXIF data, a TIFF structure; may be empty.
        profile: an ICC profile; may be empty.
    """
    channels = pixels[..., None] if pixels.ndim == 2 else pixels
    samples = channels if alpha is None else np.dstack([channels, alpha])
    height, width, count = samples.shape
    strip = zlib.compress(_differences(samples).tobytes(), 6)
    tags = Image.Exif()
    if exif:
        tags.load(b"Exif\0\0" + exif)
        for part in (0x8769, 0x8825):  # Pillow writes them only if they were looked at
            tags.get_ifd(part)
    tags.endian = "<"
    # Pillow counts the strip's place from the end of what it writes.
    bits = (8 * samples.itemsize,) * count
    tags.update({
        _WIDTH: width, _HEIGHT: height, _BITS: bits if count > 1 else bits[0], _COMPRESSION: _DEFLATE,
        _PHOTOMETRIC: _GREY if pixels.ndim == 2 else _RGB, _STRIP: 0, _SAMPLES: count, _ROWS: height,
        _STRIP_BYTES: len(strip), _PLANES: 1, _PREDICTOR: _DIFFERENCES,
    })  # fmt: skip
    if alpha is not None:
        tags[_EXTRA] = _UNASSOCIATED
    if profile:
        tags[_PROFILE] = profile
    directory = tags.tobytes(offset=_HEADER).removeprefix(b"Exif\0\0")[_HEADER:]
    return b"II*\0" + struct.pack("<I", _HEADER) + directory + strip


def _differences(samples: np.ndarray) -> np.ndarray:
    """Return every sample's difference to that of the pixel before it, which compresses better."""
    found = samples.copy()
    found[:, 1:] -= samples[:, :-1]
    return found.astype(samples.dtype.newbyteorder("<"))
