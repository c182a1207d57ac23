"""Compression artefacts of the real codecs: pixels are encoded and decoded in memory."""

import io
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import PIL
from PIL import Image, features

from patina.errors import PatinaError
from patina.imaging.integrity import JPEG_SOS, jpeg_segments

JPEG_SUBSAMPLINGS = {
    "4:4:4": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    "4:2:2": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    "4:2:0": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
}
"""Chroma subsampling: none, halved horizontally, or halved in both directions."""

JPEG_OWN_SUBSAMPLINGS = JPEG_SUBSAMPLINGS | {
    "4:4:0": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_440,
    "4:1:1": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_411,
}
"""OpenCV's codes of all of JPEG's chroma subsamplings: also halved vertically, and quartered horizontally."""

SCANS = 10
"""Scans of a progressive JPEG of three channels, as libjpeg writes it."""

WEBP_LARGEST = 16383
"""The longest side of a WebP picture, in pixels."""


def jpeg(pixels: np.ndarray, quality: int, subsampling: str = "4:2:0", scans: int | None = None) -> np.ndarray:
    """Compress ``[H, W, 3]`` RGB uint8 as JPEG and decode the result.

    Args:
        pixels: the picture.
        quality: libjpeg's, 1 to 100.
        subsampling: a key of `JPEG_OWN_SUBSAMPLINGS`.
        scans: the first scans of a progressive JPEG that are decoded, 1 to `SCANS`, as if the rest had not arrived;
            None for a baseline JPEG, whose pixels are those of all scans.
    """
    settings = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, JPEG_OWN_SUBSAMPLINGS[subsampling]]
    if scans is None:
        return _round_trip(pixels, ".jpg", settings)
    encoded = _encoded(pixels, ".jpg", [*settings, cv2.IMWRITE_JPEG_PROGRESSIVE, 1]).tobytes()
    starts = [start - 4 for marker, start, _ in jpeg_segments(encoded) if marker == JPEG_SOS]
    if scans < len(starts):
        encoded = encoded[: starts[scans]] + b"\xff\xd9"
    return _decoded(np.frombuffer(encoded, np.uint8))


def jpeg_by_tables(
    pixels: np.ndarray, luma: Sequence[int], chroma: Sequence[int], subsampling: str = "4:2:0"
) -> np.ndarray:
    """Compress ``[H, W, 3]`` RGB uint8 as JPEG with given divisors and decode the result.

    Args:
        pixels: the picture.
        luma, chroma: 64 divisors each, 1 to 255, row by row from the mean to the finest (T.81, A.3.4).
        subsampling: a key of `JPEG_SUBSAMPLINGS`.
    """
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", qtables=[list(luma), list(chroma)], subsampling=subsampling)
    return _decoded(np.frombuffer(file.getbuffer(), np.uint8))


def webp(pixels: np.ndarray, quality: int) -> np.ndarray:
    """Compress ``[H, W, 3]`` RGB uint8 as lossy WebP (quality 1 to 100) and decode the result."""
    return _round_trip(pixels, ".webp", [cv2.IMWRITE_WEBP_QUALITY, quality])


def avif(pixels: np.ndarray, quality: int, subsampling: str = "4:2:0") -> np.ndarray:
    """Compress ``[H, W, 3]`` RGB uint8 as AVIF (quality 0 to 100) and decode the result."""
    return _by_pillow(pixels, "AVIF", quality=quality, subsampling=subsampling, max_threads=1)


def jpeg2000(pixels: np.ndarray, ratio: float) -> np.ndarray:
    """Compress ``[H, W, 3]`` RGB uint8 as JPEG 2000 to 1/`ratio` of its size (lossy wavelets) and decode the result."""
    return _by_pillow(pixels, "JPEG2000", irreversible=True, quality_mode="rates", quality_layers=[ratio])


def require_codec(name: str) -> None:
    """Check that the installed Pillow has a codec.

    Args:
        name: ``"AVIF"`` or ``"JPEG 2000"``.

    Raises:
        PatinaError: it has not.
    """
    if not features.check({"AVIF": "avif", "JPEG 2000": "jpg_2000"}[name]):
        raise PatinaError(
            f"the installed Pillow {PIL.__version__} has no {name}; install one that has (pip install -U pillow), or "
            "leave the operation out"
        )


def _by_pillow(pixels: np.ndarray, kind: str, **settings: Any) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **settings)
    with Image.open(file, formats=[kind]) as decoded:
        return np.asarray(decoded.convert("RGB"))


def _round_trip(pixels: np.ndarray, suffix: str, settings: list[int]) -> np.ndarray:
    return _decoded(_encoded(pixels, suffix, settings))


def _encoded(pixels: np.ndarray, suffix: str, settings: list[int]) -> np.ndarray:
    return cv2.imencode(suffix, cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), settings)[1]


def _decoded(encoded: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR)), cv2.COLOR_BGR2RGB)
