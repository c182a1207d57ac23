"""How strong the noise of each photo is: one number, for models that learn noise by its strength."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from patina.errors import PatinaError, PictureError
from patina.fitting.measures import SMALLEST, crops_of, planes_of
from patina.fitting.texture import texture
from patina.imaging.picture_files import read_picture
from patina.metrics.noise_statistics import flat_std
from patina.system.progress import progress

LUMA = np.array([0.299, 0.587, 0.114])
LEAST = 0.5
"""Std in grey levels of the weakest noise that is told; rounding alone has 0.3."""


def noise_strength(pixels: np.ndarray) -> float:
    """Return the std of a photo's noise in its smooth places, over red, green and blue, in grey levels.

    Texture that the smooth places have counts, too. At least `LEAST`.

    Args:
        pixels: RGB ``[H, W, 3]`` uint8 or uint16, of at least 8 pixels a side.
    """
    if min(pixels.shape[:2]) < SMALLEST:  # no room for the windows of a photo
        found = float(np.sqrt(np.square(flat_std(pixels)).mean())) * 255 / np.iinfo(pixels.dtype).max
    else:
        found = _rgb_std(texture(planes_of(crops_of(pixels))))
    return max(found, LEAST)


def noise_strengths(paths: Sequence[Path]) -> list[float]:
    """Measure `noise_strength` of photos; one that cannot be read gets the median of the others.

    Raises:
        PatinaError: none can be read.
    """
    found: list[float | None] = []
    error: PictureError | None = None
    for path in progress(paths, "measure noise", unit="image"):
        try:
            found.append(noise_strength(read_picture(path, alpha="refuse").pixels))
        except PictureError as problem:
            found.append(None)
            error = problem
    known = [value for value in found if value is not None]
    if not known:
        raise PatinaError(f"none of {len(paths)} real images can be read; {error}")
    middle = float(np.median(known))
    return [middle if value is None else value for value in found]


def _rgb_std(measures: Mapping[str, float]) -> float:
    """Return the root mean square of the channels' stds: luma's variance says how strong noise of their mix is."""
    stds = np.exp(np.array([measures["red.ratio"], 0.0, measures["blue.ratio"]]) / 2)
    correlation = np.eye(3)
    for (row, column), name in zip(((0, 1), (0, 2), (1, 2)), ("rg", "rb", "gb"), strict=True):
        correlation[row, column] = correlation[column, row] = measures[name]
    mixed = LUMA * stds
    green_variance = np.exp(measures["y.variance"]) / (mixed @ correlation @ mixed)
    return float(np.sqrt(green_variance * np.square(stds).mean()))
