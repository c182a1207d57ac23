"""Measure how many pictures per second a recipe degrades on this machine."""

import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from patina.errors import require_range
from patina.imaging.picture_files import write_picture
from patina.pipelines.degraded_set import DegradeRequest, degrade
from patina.pipelines.recipe_choice import RecipeChoice
from patina.pipelines.recipe_job import Made
from patina.pipelines.smoke_pictures import PHOTOGRAPHS
from patina.runs.folder_job import JobReport
from patina.runs.worker_processes import checked_workers
from patina.system.machine import processor_seconds

DIFFERENT = 12
"""Number of different clean pictures; the others are copies, because the content hardly changes the time."""


@dataclass(frozen=True)
class SpeedRequest:
    """A recipe to measure, and the pictures to measure it on.

    Attributes:
        recipe: without variants, the variant with the most blocks is measured.
        pictures: number of clean pictures.
        side: their side in pixels.
        workers: processes; None for one per core.
        device: for learned blocks.
    """

    recipe: RecipeChoice
    pictures: int = 600
    side: int = 512
    workers: int | None = None
    device: str = "auto"


@dataclass(frozen=True)
class RecipeSpeed:
    """The measured speed of a recipe.

    Attributes:
        report: report of the degraded pictures.
        variants: names of the measured variants.
        workers: processes.
        seconds: elapsed time, including the start of the processes.
        busy_seconds: processor time of all processes.
    """

    report: JobReport[Made]
    variants: str
    workers: int
    seconds: float
    busy_seconds: float

    @property
    def made(self) -> int:
        """Number of degraded clean pictures."""
        return len(self.report.results)

    @property
    def values(self) -> dict[str, str | float]:
        """The numbers, for JSON; there must be degraded pictures."""
        return {
            "variants": self.variants,
            "images": self.made,
            "workers": self.workers,
            "seconds": self.seconds,
            "images_per_second": self.made / self.seconds,
            "processor_seconds_per_image": self.busy_seconds / self.made,
        }


def measure_speed(request: SpeedRequest) -> RecipeSpeed:
    """Make clean pictures in a temporary folder, degrade them, and measure the time.

    Raises:
        PatinaError: the recipe, a model or a setting cannot be used.
    """
    recipe = request.recipe.load()
    require_range("pictures", request.pictures, 1)
    require_range("side", request.side, recipe.scale)
    choice, workers = request.recipe.or_longest(recipe), checked_workers(request.workers)
    with TemporaryDirectory() as folder:
        source = Path(folder) / "clean"
        make_pictures(source, request.pictures, request.side)
        began, busy = time.perf_counter(), processor_seconds()
        report = degrade(DegradeRequest(choice, source, Path(folder) / "out", workers=workers, device=request.device))
        seconds, busy = time.perf_counter() - began, processor_seconds() - busy
    return RecipeSpeed(report, str(choice.outputs(recipe)), workers, seconds, busy)


def make_pictures(folder: Path, count: int, side: int) -> None:
    """Write crops of photographs that come with scikit-image, with a little noise like a camera's."""
    import skimage.data

    photographs = [getattr(skimage.data, name)() for name in PHOTOGRAPHS]
    rng = np.random.default_rng(0)
    files: list[bytes] = []
    for index in range(count):
        path = folder / f"{index:05d}.png"
        if index < DIFFERENT:
            write_picture(path, _noisy_crop(photographs[index % len(photographs)], side, rng))
            files.append(path.read_bytes())
        else:
            path.write_bytes(files[index % DIFFERENT])


def _noisy_crop(picture: np.ndarray, side: int, rng: np.random.Generator) -> np.ndarray:
    """Return a random crop of a picture with noise; a small picture is mirrored until it is large enough."""
    rows, columns = (-(-side // length) + 1 for length in picture.shape[:2])
    tall = np.concatenate([picture[:: -1 if row % 2 else 1] for row in range(rows)])
    wide = np.concatenate([tall[:, :: -1 if column % 2 else 1] for column in range(columns)], axis=1)
    top, left = (int(rng.integers(length - side + 1)) for length in wide.shape[:2])
    noisy = wide[top : top + side, left : left + side] + rng.normal(0, 2, (side, side, 3))
    return np.rint(noisy).clip(0, 255).astype(np.uint8)
