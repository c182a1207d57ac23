"""Encode pixels to the bytes of a picture file, with EXIF data and a colour profile where the format holds them."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from patina.errors import PictureError
from patina.imaging.format_names import QUALITY
from patina.imaging.tiff_writing import tiff_bytes

_LOSSLESS_16_BIT = (".png", ".tif", ".tiff")
_NO_METADATA, _TIFF = (".bmp",), (".tif", ".tiff")
_QUALITY_FLAGS = {
    ".jpg": cv2.IMWRITE_JPEG_QUALITY,
    ".jpeg": cv2.IMWRITE_JPEG_QUALITY,
    ".webp": cv2.IMWRITE_WEBP_QUALITY,
    ".avif": cv2.IMWRITE_AVIF_QUALITY,
}
_LOSSLESS_WEBP = 101
_NO_ALPHA = (".jpg", ".jpeg", ".bmp")  # most programs ignore the alpha of a BMP, and OpenCV 4 writes none


@dataclass(frozen=True)
class FileMetadata:
    """What goes with the pixels.

    Attributes:
        exif: EXIF data, a TIFF structure; empty for none.
        profile: an ICC profile; empty for sRGB without one.
    """

    exif: bytes = b""
    profile: bytes = b""


NO_METADATA = FileMetadata()


def encode(
    path: Path,
    pixels: np.ndarray,
    alpha: np.ndarray | None = None,
    quality: int | None = QUALITY,
    metadata: FileMetadata = NO_METADATA,
) -> bytes:
    """Encode a picture in the format of a suffix; see `patina.imaging.picture_files.write_picture`.

    Raises:
        PictureError: the format cannot store this picture (16 bit, alpha, size).
    """
    suffix = path.suffix.lower()
    _check_format(path, pixels, alpha)
    if suffix in _TIFF and metadata != NO_METADATA:  # OpenCV writes neither into a TIFF
        return tiff_bytes(pixels, alpha, metadata.exif, metadata.profile)
    parameters: list[int] = []
    if (flag := _QUALITY_FLAGS.get(suffix)) is not None:
        parameters = [flag, _LOSSLESS_WEBP if quality is None else quality]
    blocks = [(cv2.IMAGE_METADATA_EXIF, metadata.exif), (cv2.IMAGE_METADATA_ICCP, metadata.profile)]
    blocks = [(kind, block) for kind, block in blocks if block and suffix not in _NO_METADATA]
    kinds, contents = [kind for kind, _ in blocks], [np.frombuffer(block, np.uint8) for _, block in blocks]
    try:
        written, encoded = cv2.imencodeWithMetadata(suffix, _to_opencv(pixels, alpha), kinds, contents, parameters)
    except cv2.error:
        written = False
    if not written:
        height, width = pixels.shape[:2]
        raise PictureError(f"{path}: {suffix} cannot store {width}x{height} pixels; write .png or .tif")
    return encoded.tobytes()


def _check_format(path: Path, pixels: np.ndarray, alpha: np.ndarray | None) -> None:
    suffix = path.suffix.lower()
    if pixels.dtype not in (np.uint8, np.uint16):
        raise TypeError(f"expected uint8 or uint16 pixels, got {pixels.dtype}")
    if pixels.dtype == np.uint16 and suffix not in _LOSSLESS_16_BIT:
        raise PictureError(f"{path}: {suffix} cannot store 16-bit pixels; write .png or .tif")
    if alpha is not None and suffix in _NO_ALPHA:
        raise PictureError(f"{path}: {suffix} cannot store transparency; write .png, .webp or .tif")


def _to_opencv(pixels: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """Return the pixels in OpenCV's channel order: ``[H, W]``, BGR or BGRA."""
    if pixels.ndim == 2 and alpha is None:
        return pixels
    bgr = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_GRAY2BGR if pixels.ndim == 2 else cv2.COLOR_RGB2BGR)
    return np.ascontiguousarray(bgr if alpha is None else np.dstack([bgr, alpha]))
