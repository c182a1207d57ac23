"""Measures of clean pictures that a recipe degrades, taken in exactly the way the photos' are."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from patina.degradations.execution import Engine, apply_plan
from patina.degradations.recipe import Recipe
from patina.errors import PatinaError
from patina.fitting.family import Family, plain_family
from patina.fitting.file_compression import FileCompression
from patina.fitting.measures import CROP, measure, places_of_crops
from patina.imaging.value_spaces import to_values, values_to_pixels
from patina.runs.folder_job import run_folder_job


@dataclass(frozen=True)
class CleanCrop:
    """A crop of a clean picture.

    Attributes:
        file: ``.npy`` of `clean_crops`, which all processes map into memory.
        place: of the crop in it.
    """

    file: Path
    place: int


def crops_in(files: Sequence[Path]) -> list[CleanCrop]:
    """Return all crops in the files of `clean_crops`."""
    return [CleanCrop(file, place) for file in files for place in range(len(np.load(file, mmap_mode="r")))]


@dataclass(frozen=True)
class SyntheticSample:
    """One picture to synthesise.

    Attributes:
        clean: the clean crop.
        units: ``[d]`` unit values of the family's free numbers.
        key: decides everything that is drawn.
        compression: a photo's, in place of the family's last one; None for the family's.
    """

    clean: CleanCrop
    units: np.ndarray
    key: int
    compression: FileCompression | None = None


def clean_crops(pixels: np.ndarray, scale: int) -> np.ndarray:
    """Return the crops of a clean picture whose results have the size of a photo's crops, ``[crops, H, W, 3]``."""
    side = CROP * scale
    multiple = 16 * scale
    places = places_of_crops(pixels.shape[0], pixels.shape[1], side)
    height, width = (min(side, length) // multiple * multiple for length in pixels.shape[:2])
    return np.stack([pixels[top : top + height, left : left + width] for top, left in places])


def synthesise(
    samples: Sequence[SyntheticSample], family: Family, *, workers: int, description: str
) -> list[dict[str, float]]:
    """Degrade and measure pictures with a progress bar; the result does not depend on the number of processes.

    Models run in this process, which uses all cores for them.

    Raises:
        PatinaError: the family cannot be done to a picture.
    """
    report = run_folder_job(
        samples, partial(_measured, family=family), description=description, name=lambda sample: str(sample.clean.file),
        workers=0 if family.engine else workers, stays=False,
    )  # fmt: skip
    if report.failures:
        raise PatinaError(f"{family.source}: {report.failures[0][1]}")
    return report.results


def _measured(sample: SyntheticSample, family: Family) -> dict[str, float]:
    recipe = family.recipe(sample.units, sample.compression)
    crop = np.load(sample.clean.file, mmap_mode="r")[sample.clean.place]
    engine = family.engine() if family.engine else None
    return measure([_degraded(recipe, crop, sample.key, engine)])


def _degraded(recipe: Recipe, pixels: np.ndarray, key: int, engine: Engine | None) -> np.ndarray:
    """Return a degraded crop as a file would hold it, float32 in grey levels."""
    plan = recipe.draw("", pixels.shape[:2], key, "crop")
    values = apply_plan(to_values(np.ascontiguousarray(pixels)), plan, engine)
    return values_to_pixels(values, np.uint8).astype(np.float32)


def undegraded(scale: int, names: Sequence[str], clean: Sequence[Path], *, workers: int = 0) -> np.ndarray:
    """Return the measures ``[M, k]`` of all clean crops, which are only brought to the photos' size."""
    samples = [SyntheticSample(crop, np.empty(0), 0) for crop in crops_in(clean)]
    found = synthesise(samples, plain_family(scale), workers=workers, description="measure clean images")
    return as_array(names, found)


def as_array(names: Sequence[str], measures: Iterable[Mapping[str, float]]) -> np.ndarray:
    """Return measures by name as ``[N, k]`` in the order of `names`."""
    return np.array([[values[name] for name in names] for values in measures])
