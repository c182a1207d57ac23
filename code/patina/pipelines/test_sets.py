"""`patina prepare` in the mode that makes the three test sets of SR3: original, novel and distorted."""

import json
import sys
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from patina.errors import PatinaError, PictureError
from patina.imaging.crop_and_pad import centre_crop
from patina.imaging.matlab_resize import imresize
from patina.imaging.picture_files import read_picture, write_picture
from patina.imaging.sources import Source, list_sources, name_of_results, require_outside
from patina.imaging.value_spaces import to_values, values_to_pixels
from patina.runs.fingerprint import Stamp, file_stamp
from patina.runs.folder_job import JobReport, output_paths, run_folder_job
from patina.system.atomic import write_text
from patina.system.jsonl import append_lines, read_lines

CATEGORIES = ("original", "novel", "distorted")
KINDS = ("lq", "gt")
"""The folders of a category: low-quality pictures and the truth."""

STATEMENT, LOG_NAME = "categories.json", "categories.jsonl"
"""The files in a target that say how the sets were made, and of which state of a picture each pair."""


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


def make_categories(
    source: Path, target: Path, squares: TestSquares, *, workers: int | None = None, recursive: bool = False
) -> JobReport[str]:
    """Write ``target/CATEGORY/lq/`` and ``gt/`` of the middle of every picture, with `recursive` of subfolders' too.

    - original: the middle square, shrunk.
    - novel: a square of twice the side, shrunk twice as much; its truth is it at half the size. What it shows is
      smaller than in any training square of the side.
    - distorted: as original, but blurred before it is shrunk.

    What an earlier run has made from the same files in the same way is kept.

    Returns:
        The names of all pictures in the sets, and the failures.

    Raises:
        PatinaError: sizes that do not fit, or a folder that cannot be used.
    """
    if squares.scale < 1 or squares.side % squares.scale or squares.side < squares.scale or squares.blur <= 0:
        raise PatinaError(
            f"side {squares.side}, scale {squares.scale}, blur {squares.blur}: expected a side that the scale divides, "
            "and a blur above 0"
        )
    require_outside(target, source, recursive)
    pictures = list_sources(source, recursive)
    output_paths(pictures, target)
    log = target / LOG_NAME
    _claim(target, squares, source, {each.stem for each in pictures})
    stamps = {line["source"]: tuple(line["stamp"]) for line in read_lines(log)}
    done = {each for each in pictures if stamps.get(each.name) == file_stamp(each.path) and _is_there(each, target)}
    missing = [each for each in pictures if each not in done]
    for each in missing:  # what is there of it is of another state
        for category in CATEGORIES:
            for file in _files(each, target, category):
                file.unlink(missing_ok=True)
    report = run_folder_job(
        missing,
        partial(write_categories, target=target, squares=squares),
        description="categories",
        name=str,
        workers=workers or 0,
        on_result=lambda made: append_lines(log, [{"source": made[0], "stamp": made[1]}]),
    )
    made = {each.name for each in done} | {name for name, _ in report.results}
    return JobReport([each.name for each in pictures if each.name in made], report.failures)


def write_categories(source: Source, *, target: Path, squares: TestSquares) -> tuple[str, Stamp]:
    """Write the three pairs of one picture; return its name, and which state of it they are of.

    Raises:
        PictureError: it cannot be read, or is too small.
    """
    stamp = file_stamp(source.path)
    pixels = read_picture(source.path, alpha="refuse").pixels
    if min(pixels.shape[:2]) < 2 * squares.side:
        height, width = pixels.shape[:2]
        raise PictureError(f"{source} is {width}x{height}; expected at least {2 * squares.side} pixels on each side")
    for category, (lq, gt) in pairs_of(pixels, squares).items():
        for file, each in zip(_files(source, target, category), (lq, gt), strict=True):
            write_picture(file, each)
    return source.name, stamp


def _files(source: Source, target: Path, category: str) -> tuple[Path, Path]:
    """Return where a picture's pair goes: the low-quality picture and the truth."""
    return tuple(target / category / kind / f"{source.stem}.png" for kind in KINDS)


def _is_there(source: Source, target: Path) -> bool:
    return all(file.is_file() for category in CATEGORIES for file in _files(source, target, category))


def _claim(target: Path, squares: TestSquares, source: Path, stems: set[str]) -> None:
    """State how the sets are made and of what; remove the pairs of pictures that are gone.

    Raises:
        PatinaError: the target holds anything else, sets made otherwise, or sets of another folder.
    """
    statement, values = target / STATEMENT, {"source": str(source.resolve()), **asdict(squares)}
    made = {name_of_results(line["source"]) for line in read_lines(target / LOG_NAME)}
    folders = [target / category / kind for category in CATEGORIES for kind in KINDS]
    pairs = [path for folder in folders for path in folder.glob("*.png") if path.stem in made]
    others = [path for path in pairs if path.stem not in stems]
    if statement.is_file():
        before = json.loads(statement.read_text(encoding="utf-8"))
        of_this_folder = before.pop("source", None) == values["source"]
        if pairs and (before != asdict(squares) or (others and not of_this_folder)):
            raise PatinaError(
                f"{target} holds sets made otherwise, or of another folder, see {statement}; choose another target"
            )
    elif target.exists() and any(target.iterdir()):
        raise PatinaError(f"{target} is not empty; choose another target")
    if others:
        gone = len({path.stem for path in others})
        print(f"{target}: removed the pairs of {gone} pictures that are gone from {source}", file=sys.stderr)
    for path in others:
        path.unlink()
    write_text(statement, json.dumps(values) + "\n")


def pairs_of(pixels: np.ndarray, squares: TestSquares) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the low-quality picture and the truth of every category."""
    small = (squares.side // squares.scale,) * 2
    centre, wide = (np.ascontiguousarray(centre_crop(pixels, side)) for side in (squares.side, 2 * squares.side))
    deviations = (squares.blur, squares.blur, 0)
    blurred = values_to_pixels(gaussian_filter(to_values(centre), deviations, mode="mirror"), pixels.dtype)
    return {
        "original": (imresize(centre, size=small), centre),
        "novel": (imresize(wide, size=small), imresize(wide, size=(squares.side, squares.side))),
        "distorted": (imresize(blurred, size=small), centre),
    }
