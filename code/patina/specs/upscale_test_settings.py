"""Configurations that upscale test sets with a finished model."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    Field,
)

from patina.imaging.enlarging import INTERPOLATIONS
from patina.settings import Strict
from patina.specs.experiment import (
    Experiment,
    PositiveInt,
    Precision,
)


class TestSet(Strict):
    """A folder to upscale and, where it exists, its ground truth."""

    name: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    lq: Path
    gt: Path | None = None


class UpscaleTestConfig(Experiment):
    """Upscale folders with a model and measure the results: `test.py`.

    `model` is a model file, or an interpolation (``nearest``, ``bilinear``, ``bicubic``, ``lanczos``), which alone
    needs a `scale`.
    """

    task: Literal["test"]
    model: Literal[INTERPOLATIONS] | Path
    scale: PositiveInt | None = None
    sets: Annotated[tuple[TestSet, ...], Field(min_length=1)]
    out: Path
    tile: PositiveInt | None = None
    precision: Precision = "32"
    crop_border: Annotated[int, Field(ge=0)] = 0
    space: Literal["rgb", "y"] = "rgb"
    lpips: bool = True
