"""Configurations that compare models and interpolations on test sets (`patina evaluate`)."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from patina.hints import nearest
from patina.imaging.interpolation_names import INTERPOLATIONS, InterpolationName
from patina.metrics.full_reference import metric_keys
from patina.metrics.measure_names import BY_IMAGE, BY_SET
from patina.metrics.set_measures import MEASURES
from patina.models.sr3 import Sampler
from patina.settings import PositiveInt, Schema, Settings, either
from patina.specs.experiment import Experiment
from patina.specs.name_template import Template


def _known(name: str) -> str:
    if name not in MEASURES:
        raise ValueError(f"unknown metric {name!r}, {nearest(name, MEASURES)}")
    return name


MetricName = Annotated[str, AfterValidator(_known), Field(json_schema_extra={"enum": [*BY_IMAGE, *BY_SET]})]
"""A key of `MEASURES`."""

Name = Annotated[str, Field(pattern=r"^[\w.+-]+$")]


class ComparedModel(Settings):
    """A model in a comparison; an interpolation may be given by its name alone."""

    name: Name
    """Name in the table."""

    model: InterpolationName | Path
    """Model file, or an interpolation."""

    sampler: Sampler | None = None
    """Sampler of a diffusion model. null: that of its file."""

    steps: PositiveInt | None = None
    """Sampling steps of a diffusion model. null: those of its file."""

    @model_validator(mode="before")
    @classmethod
    def _interpolation_alone(cls, values: Any) -> Any:
        """Expand the name of an interpolation."""
        return {"name": values, "model": values} if values in INTERPOLATIONS else values

    @classmethod
    def as_written(cls, schema: Schema) -> Schema:
        """Allow the name of an interpolation alone."""
        return either(schema, {"enum": list(INTERPOLATIONS)})


class ComparedSet(Settings):
    """A test set of a comparison."""

    name: Name
    """Name in the table."""

    lq: Path
    """Folder of LQ images."""

    gt: Path
    """Folder of GT images that match by stem, an integer factor larger."""

    template: Template = "{}"
    """How the names of the LQ images are made of those of the GT images, e.g. `{}x2`."""


class EvaluationConfig(Experiment):
    """Compare models and interpolations on test sets."""

    task: Literal["evaluate"]
    """Selects this task."""

    models: Annotated[tuple[ComparedModel, ...], Field(min_length=1)]
    """Models to compare."""

    sets: Annotated[tuple[ComparedSet, ...], Field(min_length=1)]
    """Test sets."""

    out: Path
    """Folder for the table and the images."""

    crop_border: Annotated[int, Field(ge=0)] | None = None
    """Pixels cropped from every border before measuring. null: the set's scale, as is customary."""

    space: Literal["rgb", "y"] = "rgb"
    """Measure on RGB (`rgb`) or luma (`y`)."""

    metrics: Annotated[tuple[MetricName, ...], Field(min_length=1)] | None = None
    """What to measure, e.g. `[psnr, psnr_y, ms_ssim, dists]`. null: MSE, PSNR and SSIM on RGB and luma, and LPIPS. FID,
    KID and EfficientNet's distances compare a whole set of results with the GT."""

    lpips: bool = True
    """Measure LPIPS where its weights are available."""

    tile: PositiveInt | None = None
    """Side of the tiles in LQ pixels. null: whole images."""

    precision: Annotated[Literal["auto", "32", "bf16-mixed"], BeforeValidator(str)] = "32"
    """`32`, `bf16-mixed`, or `auto`, which picks bfloat16 if it is fast and its results match float32's."""

    def wanted_metrics(self) -> tuple[str, ...]:
        """Return the keys of what is measured."""
        return metric_keys(self.lpips, self.space) if self.metrics is None else self.metrics

    @model_validator(mode="after")
    def _names_differ(self) -> "EvaluationConfig":
        for what, names in (("models", [m.name for m in self.models]), ("sets", [s.name for s in self.sets])):
            if len(set(names)) < len(names):
                raise ValueError(f"{what} are named {', '.join(names)}, expected unique names")
        return self
