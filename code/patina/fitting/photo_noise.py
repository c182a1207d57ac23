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

MOST = 100
"""Clean images that are measured, at equal distances in their order."""


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


def noise_strengths(photos: Sequence[Path], clean: Sequence[Path] = ()) -> list[float]:
    """Return the std of the noise of photos, in grey levels; one that cannot be read gets the median of the others.

    Args:
        photos: files.
        clean: clean images; what they vary by in smooth places is texture, and is taken off the photos' variance,
            which keeps at least a quarter. At most `MOST` of them are measured.

    Raises:
        PatinaError: no photo can be read.
    """
    found, problem = _measured(photos)
    known = [value for value in found if value is not None]
    if not known:
        raise PatinaError(f"none of {len(photos)} real images can be read; {problem}")
    some = [clean[place] for place in np.unique(np.linspace(0, len(clean) - 1, MOST).astype(int))] if clean else []
    textures = [value**2 for value in _measured(some)[0] if value is not None]
    texture, middle = (float(np.median(textures)) if textures else 0.0), float(np.median(known))
    squares = [(middle if value is None else value) ** 2 for value in found]
    return [max(float(np.sqrt(max(square - texture, square / 4))), LEAST) for square in squares]


def _measured(paths: Sequence[Path]) -> tuple[list[float | None], PictureError | None]:
    """Return the `noise_strength` of images, None for those that cannot be read, and what is wrong with the last."""
    found: list[float | None] = []
    error: PictureError | None = None
    for path in progress(paths, "measure noise", unit="image"):
        try:
            found.append(noise_strength(read_picture(path, alpha="refuse").pixels))
        except PictureError as problem:
            found.append(None)
            error = problem
    return found, error


def _rgb_std(measures: Mapping[str, float]) -> float:
    """Return the root mean square of the channels' stds: luma's variance says how strong noise of their mix is."""
    stds = np.exp(np.array([measures["red.ratio"], 0.0, measures["blue.ratio"]]) / 2)
    correlation = np.eye(3)
    for (row, column), name in zip(((0, 1), (0, 2), (1, 2)), ("rg", "rb", "gb"), strict=True):
        correlation[row, column] = correlation[column, row] = measures[name]
    mixed = LUMA * stds
    green_variance = np.exp(measures["y.variance"]) / (mixed @ correlation @ mixed)
    return float(np.sqrt(green_variance * np.square(stds).mean()))
