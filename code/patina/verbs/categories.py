"""`patina prepare` in the mode that makes the three test sets of SR3: original, novel and distorted."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from patina.errors import PatinaError, PictureError
from patina.imaging.files import list_pictures, read_picture, to_values, values_to_pixels, write_picture
from patina.imaging.resize import imresize
from patina.runs.folder_job import JobReport, output_paths, run_folder_job

CATEGORIES = ("original", "novel", "distorted")


@dataclass(frozen=True)
class TestSquares:
    """How the test sets are made.

    Attributes:
        side: of the truth.
        scale: how many times smaller the low-quality pictures are.
        blur: deviation of the Gaussian that distorts, in pixels of the truth.
    """

    side: int = 128
    scale: int = 4
    blur: float = 2.0


def make_categories(source: Path, target: Path, squares: TestSquares, *, workers: int | None = None) -> JobReport[str]:
    """Write ``target/CATEGORY/lq/`` and ``gt/`` of the middle of every picture.

    - original: the middle square, shrunk.
    - novel: a square of twice the side, shrunk twice as much; its truth is it at half the size. What it shows is
      smaller than in any training square of the side.
    - distorted: as original, but blurred before it is shrunk.

    Raises:
        PatinaError: sizes that do not fit, or a folder that cannot be used.
    """
    if squares.side % squares.scale or squares.side < squares.scale or squares.blur <= 0:
        raise PatinaError(
            f"side {squares.side}, scale {squares.scale}, blur {squares.blur}: expected a side that the scale divides, "
            "and a blur above 0"
        )
    pictures = list_pictures(source)
    output_paths(pictures, target)
    if target.exists() and any(target.iterdir()):
        raise PatinaError(f"{target} is not empty; choose another target")
    work = partial(write_categories, target=target, squares=squares)
    return run_folder_job(pictures, work, description="categories", name=str, workers=workers or 0)


def write_categories(path: Path, *, target: Path, squares: TestSquares) -> str:
    """Write the three pairs of one picture; return its name.

    Raises:
        PictureError: it cannot be read, or is too small.
    """
    pixels = read_picture(path, alpha="refuse").pixels
    if min(pixels.shape[:2]) < 2 * squares.side:
        height, width = pixels.shape[:2]
        raise PictureError(f"{path} is {width}x{height}; expected at least {2 * squares.side} pixels on each side")
    for category, (lq, gt) in pairs_of(pixels, squares).items():
        write_picture(target / category / "lq" / f"{path.stem}.png", lq)
        write_picture(target / category / "gt" / f"{path.stem}.png", gt)
    return path.name


def pairs_of(pixels: np.ndarray, squares: TestSquares) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the low-quality picture and the truth of every category."""
    small = (squares.side // squares.scale,) * 2
    middle, wide = _middle(pixels, squares.side), _middle(pixels, 2 * squares.side)
    deviations = (squares.blur, squares.blur, 0)
    blurred = values_to_pixels(gaussian_filter(to_values(middle), deviations, mode="mirror"), pixels.dtype)
    return {
        "original": (imresize(middle, size=small), middle),
        "novel": (imresize(wide, size=small), imresize(wide, size=(squares.side, squares.side))),
        "distorted": (imresize(blurred, size=small), middle),
    }


def _middle(pixels: np.ndarray, side: int) -> np.ndarray:
    top, left = ((length - side) // 2 for length in pixels.shape[:2])
    return np.ascontiguousarray(pixels[top : top + side, left : left + side])
