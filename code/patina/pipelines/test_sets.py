"""`patina prepare` in the mode that makes the three test sets of SR3: original, novel and distorted."""

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from patina.errors import PatinaError, PictureError
from patina.imaging.crop_and_pad import centre_crop
from patina.imaging.matlab_resize import imresize
from patina.imaging.picture_files import read_picture, write_picture
from patina.imaging.sources import Source, list_sources, require_outside
from patina.imaging.value_spaces import to_values, values_to_pixels
from patina.runs.fingerprint import digest_if_readable
from patina.runs.folder_job import JobReport, output_names, run_folder_job
from patina.runs.journal import Result, Wanted
from patina.runs.made_by import MadeBy
from patina.runs.output_folder import OutputFolder
from patina.runs.worker_processes import checked_workers

CATEGORIES = ("original", "novel", "distorted")
KINDS = ("lq", "gt")
"""The folders of a category: LQ pictures and ground truth."""


@dataclass(frozen=True)
class CategorySettings:
    """Settings of the test sets.

    Attributes:
        side: side of a GT picture in pixels.
        scale: downscaling factor of the LQ pictures.
        blur: std of the distorted category's Gaussian blur, in GT pixels.
    """

    side: int = 128
    scale: int = 4
    blur: float = 2.0


def prepare_test_sets(
    source: Path, target: Path, settings: CategorySettings, *, workers: int | None = None, recursive: bool = False
) -> JobReport[str]:
    """Write ``target/CATEGORY/lq/`` and ``gt/`` from the centre of every picture of a folder.

    - original: the centre crop, downscaled.
    - novel: a crop of twice the side, downscaled twice as much; its GT is that crop at half the size, so objects are
      smaller than in training tiles of the same side.
    - distorted: as original, but blurred before downscaling.

    Pairs of an earlier run are kept if their pictures are unchanged; pairs of removed pictures are deleted.

    Args:
        source: folder of pictures, or one picture.
        target: folder of the test sets.
        settings: settings of the test sets.
        workers: number of processes; None for one per core.
        recursive: whether to include pictures in subfolders.

    Returns:
        The names of all pictures in the sets, and the failures.

    Raises:
        PatinaError: sizes that do not fit, or a folder that cannot be used.
    """
    side, scale, blur = settings.side, settings.scale, settings.blur
    if scale < 1 or side % scale or side < scale or blur <= 0:
        expected = "expected a side that the scale divides, and a blur above 0"
        raise PatinaError(f"side {side}, scale {scale}, blur {blur}: {expected}")
    require_outside(target, source, recursive)
    workers = checked_workers(workers)
    pictures = list_sources(source, recursive)
    output_names(pictures, target)
    made_by = MadeBy("prepare", {"mode": "categories", **asdict(settings)})
    by_output = {picture.stem: picture for picture in pictures}
    with OutputFolder.open(target, made_by, source=source, sources=pictures, exclusive=True) as folder:
        folder.prune()
        todo = folder.outdated([Wanted(picture.stem, picture.name, files=_files(picture)) for picture in pictures])
        folder.begin(todo)
        report = run_folder_job(
            [by_output[item.output] for item in todo], partial(write_pairs, target=target, settings=settings),
            description="categories", name=str, workers=workers, on_result=lambda made: folder.record([made]),
        )  # fmt: skip
        folder.finish()
        return JobReport([result.source for result in folder.results if result.source], report.failures, report.notes)


def write_pairs(source: Source, *, target: Path, settings: CategorySettings) -> Result:
    """Write the three pairs of one picture.

    Raises:
        PictureError: it cannot be read, or is too small.
    """
    digest = digest_if_readable(source.path)
    pixels = read_picture(source.path, alpha="refuse").pixels
    if min(pixels.shape[:2]) < 2 * settings.side:
        height, width = pixels.shape[:2]
        raise PictureError(f"{source} is {width}x{height}; expected at least {2 * settings.side} pixels on each side")
    made = [picture for pair in pairs_of(pixels, settings).values() for picture in pair]
    for file, picture in zip(_files(source), made, strict=True):
        write_picture(target / file, picture)
    return Result(source.stem, source.name, digest, files=_files(source))


def _files(source: Source) -> tuple[str, ...]:
    """Return a picture's files: LQ and ground truth of every category."""
    return tuple(f"{category}/{kind}/{source.stem}.png" for category in CATEGORIES for kind in KINDS)


def pairs_of(pixels: np.ndarray, settings: CategorySettings) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the LQ picture and the ground truth of every category."""
    small = (settings.side // settings.scale,) * 2
    centre, wide = (np.ascontiguousarray(centre_crop(pixels, side)) for side in (settings.side, 2 * settings.side))
    blurred = gaussian_filter(to_values(centre), (settings.blur, settings.blur, 0), mode="mirror")
    distorted = values_to_pixels(blurred, pixels.dtype)
    return {
        "original": (imresize(centre, size=small), centre),
        "novel": (imresize(wide, size=small), imresize(wide, size=(settings.side, settings.side))),
        "distorted": (imresize(distorted, size=small), centre),
    }
