"""Measure how many pictures a second a recipe makes on this machine."""

import os
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
from patina.runs.folder_job import JobReport, checked_workers

DIFFERENT = 12
"""Different clean pictures; more are copies, because their content does not change the time."""


@dataclass(frozen=True)
class SpeedRequest:
    """Which recipe to measure, and on what.

    Attributes:
        recipe: with the variants to make, or None for the one with the most blocks.
        pictures: how many.
        side: of the clean pictures, in pixels.
        workers: processes; None for one a core.
        device: for learned blocks.
    """

    recipe: RecipeChoice
    pictures: int = 600
    side: int = 512
    workers: int | None = None
    device: str = "auto"


@dataclass(frozen=True)
class RecipeSpeed:
    """What was measured.

    Attributes:
        report: of the pictures.
        variants: what was made of each, in words.
        workers: processes.
        seconds: that went by, the start of the processes included.
        busy_seconds: of a core.
    """

    report: JobReport[Made]
    variants: str
    workers: int
    seconds: float
    busy_seconds: float

    @property
    def made(self) -> int:
        """How many clean pictures were degraded."""
        return len(self.report.results)


def measure_speed(request: SpeedRequest) -> RecipeSpeed:
    """Make clean pictures, degrade them by a recipe, and measure how long that takes.

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
        began, busy = time.perf_counter(), _processor_seconds()
        report = degrade(DegradeRequest(choice, source, Path(folder) / "out", workers=workers, device=request.device))
        seconds, busy = time.perf_counter() - began, _processor_seconds() - busy
    return RecipeSpeed(report, str(choice.outputs(recipe)), workers, seconds, busy)


def _processor_seconds() -> float:
    """Return the processor time of this process and its finished children, which leaves out what other programs use."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def make_pictures(folder: Path, count: int, side: int) -> None:
    """Write crops of photographs that come with scikit-image, with a little noise as cameras have."""
    from skimage import data

    scenes = [data.astronaut(), data.chelsea(), data.coffee(), data.rocket()]
    rng = np.random.default_rng(0)
    files: list[bytes] = []
    for index in range(count):
        path = folder / f"{index:05d}.png"
        if index < DIFFERENT:
            write_picture(path, _scene(scenes[index % len(scenes)], side, rng))
            files.append(path.read_bytes())
        else:
            path.write_bytes(files[index % DIFFERENT])


def _scene(picture: np.ndarray, side: int, rng: np.random.Generator) -> np.ndarray:
    """Cut a square out of a picture, mirrored as often as it needs to be large enough."""
    rows, columns = (-(-side // length) + 1 for length in picture.shape[:2])
    tall = np.concatenate([picture[:: -1 if row % 2 else 1] for row in range(rows)])
    wide = np.concatenate([tall[:, :: -1 if column % 2 else 1] for column in range(columns)], axis=1)
    top, left = (int(rng.integers(length - side + 1)) for length in wide.shape[:2])
    cut = wide[top : top + side, left : left + side] + rng.normal(0, 2, (side, side, 3))
    return np.rint(cut).clip(0, 255).astype(np.uint8)
