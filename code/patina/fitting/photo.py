"""One photo as the fit sees it: its measures, what its file says, and whether it is a photo at all."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from patina.errors import PictureError
from patina.fitting.enlarging import is_enlarged
from patina.fitting.file_compression import FileCompression, file_compression
from patina.fitting.measures import SMALLEST, crops_of, measure, planes_of
from patina.fitting.stuck_pixels import without_impulses
from patina.imaging.compression_headers import CompressionHeader, read_compression_header
from patina.imaging.picture_files import read_picture

FLAT, PAINTED, HARD = 0.5, 0.95, 20
"""A picture is no photo where more than the first fraction of neighbouring pixels are equal and a tenth of the others
differ by more than `HARD` grey levels, as lines and letters do; nor where more than the second fraction are equal.
Smooth dark photos have as many equal neighbours as drawings, but the others differ by few grey levels."""

CLIPPED = 0.95
"""A photo says nothing where more than this fraction of its values is black or white."""


@dataclass(frozen=True)
class Photo:
    """A photo that was measured.

    Attributes:
        name: from its folder.
        width, height: in pixels.
        header: what its file says about its compression; None for lossless files.
        compression: its last compression, from the header or, for lossless files, from the pixels.
        impulses: fraction of the pixels that are black or white by error; 0 for compressed photos.
        measures: by name, without these pixels, see `patina.fitting.measures.measure`.
        is_upscaled: its finest details are missing though coarser ones are there, as after enlarging.
    """

    name: str
    width: int
    height: int
    header: CompressionHeader | None
    compression: FileCompression
    impulses: float
    measures: dict[str, float]
    is_upscaled: bool


def measure_photo(path: Path, name: str) -> Photo:
    """Read and measure a photo.

    Raises:
        PictureError: it cannot be read, is too small, or is no photo; says which.
    """
    pixels = read_picture(path, alpha="refuse").pixels
    height, width = pixels.shape[:2]
    if min(height, width) < SMALLEST:
        raise PictureError(f"{path} is {width}x{height}; measuring needs at least {SMALLEST} pixels on each side")
    crops = crops_of(pixels)
    _require_photo(path, crops)
    header = read_compression_header(path)
    impulses = 0.0
    if header is None:
        impulses, crops = without_impulses(crops)
    compression = file_compression(header, planes_of(crops))
    if any(compression.grid) and min(height, width) >= SMALLEST + 8:  # measure blocks where they are
        _, crops = without_impulses(crops_of(pixels[compression.grid[0] :, compression.grid[1] :]))
    return Photo(name, width, height, header, compression, impulses, measure(crops), is_enlarged(crops))


def _require_photo(path: Path, crops: list[np.ndarray]) -> None:
    values = np.concatenate([crop.reshape(-1, 3) for crop in crops])
    if float(((values <= 1) | (values >= 254)).mean()) > CLIPPED:
        raise PictureError(f"{path} is black or white nearly everywhere; set aside")
    if float(values.std(axis=0).max()) < 1:
        raise PictureError(f"{path} shows one colour; set aside")
    steps = np.concatenate([np.abs(np.diff(crop, axis=1)).max(axis=2).ravel() for crop in crops])
    equal = float((steps == 0).mean())
    if equal > PAINTED or (equal > FLAT and np.quantile(steps[steps > 0], 0.9) > HARD):
        raise PictureError(
            f"{path} looks like a screenshot or a drawing, {equal:.0%} of neighbouring pixels are equal; set aside"
        )
