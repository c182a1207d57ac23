"""Configurations that compare models and interpolations over test sets: `evaluate`."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from patina.imaging.enlarging import INTERPOLATIONS
from patina.models.sr3 import Sampler
from patina.settings import Strict
from patina.specs.experiment import Experiment, PositiveInt

Name = Annotated[str, Field(pattern=r"^[\w.+-]+$")]


class ComparedModel(Strict):
    """A model file or an interpolation, and the name it has in the table.

    `sampler` and `steps` are for diffusion models, in place of the file's own.
    """

    name: Name
    model: Literal[INTERPOLATIONS] | Path
    sampler: Sampler | None = None
    steps: PositiveInt | None = None

    @model_validator(mode="before")
    @classmethod
    def _interpolation_alone(cls, values: Any) -> Any:
        """An interpolation's name stands for it."""
        return {"name": values, "model": values} if values in INTERPOLATIONS else values


class ComparedSet(Strict):
    """A folder of low-quality pictures and their ground truth, a whole number of times larger."""

    name: Name
    lq: Path
    gt: Path


class EvaluationConfig(Experiment):
    """Enlarge every set with every model and measure the results.

    `crop_border` null cuts as many pixels as the set's scale, by custom of the field.
    """

    task: Literal["evaluate"]
    models: Annotated[tuple[ComparedModel, ...], Field(min_length=1)]
    sets: Annotated[tuple[ComparedSet, ...], Field(min_length=1)]
    out: Path
    crop_border: Annotated[int, Field(ge=0)] | None = None
    space: Literal["rgb", "y"] = "rgb"
    lpips: bool = True
    tile: PositiveInt | None = None
    precision: Annotated[Literal["auto", "32", "bf16-mixed"], BeforeValidator(str)] = "32"

    @model_validator(mode="after")
    def _names_differ(self) -> "EvaluationConfig":
        for what, names in (("models", [m.name for m in self.models]), ("sets", [s.name for s in self.sets])):
            if len(set(names)) < len(names):
                raise ValueError(f"{what} are named {', '.join(names)}, expected a different name for each")
        return self
