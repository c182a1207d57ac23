"""Camera raw files, developed by LibRaw (rawpy, the extra ``raw``)."""

import io
from pathlib import Path
from typing import Any

import numpy as np

from patina.imaging.folder_scan import RAW_HINT, RAW_SUFFIXES, reads_raw
from patina.imaging.picture_header import BrokenPicture, PictureHeader
from patina.imaging.size_limit import require_size
from patina.system.notes import note

_SRGB_CURVE = (2.4, 12.92)
"""The power of sRGB's tone curve, and the slope of its beginning, as LibRaw takes them."""

_TURNED = 4
"""Bit of LibRaw's orientation for rows that become columns."""


def is_raw(path: Path) -> bool:
    """Whether a file is a camera raw by its suffix; by their contents, many are TIFFs with a small preview."""
    return path.suffix.lower() in RAW_SUFFIXES


def raw_header(data: bytes) -> PictureHeader:
    """Return the size of the developed picture, upright.

    Raises:
        BrokenPicture: the package is missing, or the file cannot be read.
    """
    with _opened(data) as raw:
        return _header(raw)


def develop(data: bytes) -> np.ndarray:
    """Develop a camera raw: demosaiced, the camera's white balance, sRGB, its brightness not stretched.

    Returns:
        ``[H, W, 3]`` uint16, upright.

    Raises:
        BrokenPicture: as `raw_header`, or it is too large.
    """
    with _opened(data) as raw:
        require_size(_header(raw))
        pixels = _guarded(
            lambda: raw.postprocess(use_camera_wb=True, no_auto_bright=True, output_bps=16, gamma=_SRGB_CURVE)
        )
    note("developed from camera raw")
    return np.ascontiguousarray(pixels)


def _opened(data: bytes) -> Any:
    if not reads_raw():
        raise BrokenPicture(f"is a camera raw, which needs another package to be read: {RAW_HINT}")
    import rawpy

    return _guarded(lambda: rawpy.imread(io.BytesIO(data)))


def _header(raw: Any) -> PictureHeader:
    sizes = raw.sizes
    height, width = sizes.iheight, sizes.iwidth
    if sizes.flip & _TURNED:
        height, width = width, height
    return PictureHeader("raw", height, width)


def _guarded(work: Any) -> Any:
    import rawpy

    try:
        return work()
    except rawpy.LibRawError as error:
        reason = error.args[0] if error.args else error
        reason = reason.decode() if isinstance(reason, bytes) else reason
        raise BrokenPicture(f"is a camera raw that cannot be developed ({reason}); convert it to TIFF or PNG") from None
