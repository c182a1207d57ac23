"""Configurations that upscale test sets with a finished model."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from patina.imaging.interpolation_names import InterpolationName
from patina.settings import PositiveInt, Settings
from patina.specs.experiment import Experiment
from patina.specs.optimisation import Precision


class TestSet(Settings):
    """A folder to upscale, with its GT if available."""

    name: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    """Name of the set in the results."""

    lq: Path
    """Folder of LQ images."""

    gt: Path | None = None
    """Folder of GT images that match by stem. null: no metrics."""


class UpscaleTestConfig(Experiment):
    """Upscale test sets with a model and measure the results."""

    task: Literal["test"]
    """Selects this task."""

    model: InterpolationName | Path
    """Model file, or an interpolation, which also needs `scale`."""

    scale: PositiveInt | None = None
    """Upscaling factor of an interpolation; model files contain theirs."""

    sets: Annotated[tuple[TestSet, ...], Field(min_length=1)]
    """Test sets."""

    out: Path
    """Folder for the results."""

    tile: PositiveInt | None = None
    """Side of the tiles in LQ pixels. null: whole images."""

    precision: Precision = "32"
    """`32` or `bf16-mixed`."""

    crop_border: Annotated[int, Field(ge=0)] | None = None
    """Pixels cropped from every border before measuring. null: the scale, as is customary."""

    space: Literal["rgb", "y"] = "rgb"
    """Measure on RGB (`rgb`) or luma (`y`)."""

    lpips: bool = True
    """Measure LPIPS where its weights are available."""
