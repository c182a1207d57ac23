"""JPEG pixels by libjpeg-turbo, with every one of its warnings taken as damage unless it is a known harmless one.

libjpeg names only the first warning of a file. So a harmless cause of a warning is mended, and the picture decoded
again: any damage behind it then has its own warning.
"""

import io
import re

import numpy as np
import simplejpeg
from PIL import JpegImagePlugin

from patina.imaging.colour_spaces import inks_to_srgb
from patina.imaging.integrity import JPEG_EOI, JPEG_SOS, jpeg_segments
from patina.imaging.picture_header import BrokenPicture, PictureHeader

STRAY_BYTES = 16
"""How many equal bytes that belong to no pixel may stand before a JPEG's end: some cameras pad with a few."""

_COLOUR_SPACES = {1: "GRAY", 3: "RGB", 4: "CMYK"}
_WARNINGS = re.compile(r"Corrupt JPEG data: |Premature end|Invalid SOS|Warning: |Inconsistent prog|Unknown Adobe")
_STRAY = re.compile(r"Corrupt JPEG data: (\d+) extraneous bytes before marker 0xd9")
_RARE_SAMPLING = "Could not determine subsampling"
_SCAN_PARAMETERS = "Invalid SOS parameters for sequential JPEG"


def decode_jpeg(header: PictureHeader, data: bytes) -> np.ndarray:
    """Decode a JPEG without its orientation.

    Returns:
        uint8, gray ``[H, W]`` or RGB ``[H, W, 3]``; CMYK becomes RGB by its profile, or by multiplication.

    Raises:
        BrokenPicture: damaged, or of a kind that libjpeg-turbo does not decode to 8 bit.
    """
    if header.channels not in _COLOUR_SPACES:
        raise BrokenPicture(f"is a JPEG of {header.channels} channels; expected 1, 3 or 4: save it again or remove it")
    for _ in range(3):  # two harmless oddities at most, one after the other
        try:
            return _decode(header, data)
        except ValueError as error:
            reason = str(error).strip()
        if _RARE_SAMPLING in reason:
            return _decode_rare_sampling(header, data)
        mended = _mended(data, reason)
        if mended is None:
            break
        data = mended
    if _WARNINGS.match(reason):
        short = reason.removeprefix("Corrupt JPEG data: ")
        raise BrokenPicture(f"is damaged inside ({short}); copy it again or remove it")
    raise BrokenPicture(f"is a JPEG that cannot be decoded ({reason}); save it again or remove it")


def _decode(header: PictureHeader, data: bytes) -> np.ndarray:
    pixels = simplejpeg.decode_jpeg(data, _COLOUR_SPACES[header.channels])
    if header.channels == 1:
        return pixels[..., 0]
    return pixels if header.channels == 3 else _inks_to_rgb(pixels, header)


def _decode_rare_sampling(header: PictureHeader, data: bytes) -> np.ndarray:
    """Decode a JPEG of a chroma sampling that simplejpeg lacks; Pillow only reports data that end early."""
    try:
        with JpegImagePlugin.JpegImageFile(io.BytesIO(data)) as image:
            image.load()
            if header.channels < 4:
                return np.asarray(image.convert("RGB"))
            stored = np.asarray(image)
            return _inks_to_rgb(255 - stored if "adobe" in image.info else stored, header)
    except (OSError, ValueError, SyntaxError) as error:
        raise BrokenPicture(f"is a JPEG that cannot be decoded ({error}); save it again or remove it") from None


def _inks_to_rgb(pixels: np.ndarray, header: PictureHeader) -> np.ndarray:
    """Convert ``[H, W, 4]``, 255 without ink, by the file's profile, or by multiplication."""
    converted = inks_to_srgb(255 - pixels, header.colours.profile)
    return cmyk_to_rgb(pixels) if converted is None else converted


def cmyk_to_rgb(pixels: np.ndarray) -> np.ndarray:
    """Multiply the lights ``[H, W, 4]`` that cyan, magenta, yellow and black let through; 255 is no ink."""
    black = pixels[..., 3:].astype(np.int32)
    return (black - ((255 - pixels[..., :3]) * black >> 8)).astype(np.uint8)


def _mended(data: bytes, reason: str) -> bytes | None:
    """Return the file without the harmless oddity that a warning names; None if it names damage."""
    stray = _STRAY.match(reason)
    if stray and int(stray[1]) <= STRAY_BYTES:
        end = next(start for marker, start, _ in jpeg_segments(data) if marker == JPEG_EOI) - 2
        begin = end - int(stray[1])
        # Padding repeats one value; what damage leaves over is a piece of the pixels' code.
        return data[:begin] + data[end:] if len(set(data[begin:end])) == 1 else None
    if reason.startswith(_SCAN_PARAMETERS):
        return _with_sequential_scans(data)
    return None


def _with_sequential_scans(data: bytes) -> bytes:
    """Set the scan parameters that a sequential JPEG does not use to the values that T.81 (B.2.3) demands."""
    mended = bytearray(data)
    for marker, start, length in jpeg_segments(data):
        if marker == JPEG_SOS:
            mended[start + length - 3 : start + length] = b"\x00\x3f\x00"
    return bytes(mended)
