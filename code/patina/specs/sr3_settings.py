"""Configurations that train SR3."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from patina.models.sr3 import DiffusionSchedule, Sampler, SR3Architecture
from patina.settings import Strict
from patina.specs.experiment import (
    Experiment,
    LoaderSettings,
    OptimiserSettings,
    PositiveInt,
    Precision,
    TrainingSettings,
)
from patina.specs.restoration_settings import Probability


class ColourJitter(Strict):
    """Brightness, contrast and saturation change by a factor of 1 ± the setting, the hue by that part of the circle."""

    probability: Probability = 0.5
    brightness: Annotated[float, Field(ge=0, lt=1)] = 0.2
    contrast: Annotated[float, Field(ge=0, lt=1)] = 0.2
    saturation: Annotated[float, Field(ge=0, lt=1)] = 0.2
    hue: Annotated[float, Field(ge=0, le=0.5)] = 0.02


class SharpnessJitter(Strict):
    """A factor of sharpness: 0 is blurred, 1 the picture, 2 sharpened."""

    probability: Probability = 0.3
    range: tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(ge=0)]] = (0.5, 2.0)


class SquareAugmentation(Strict):
    """What happens to a square before it is shrunk; null turns colour or sharpness off, 0 the flip."""

    flip: Probability = 0.5
    colour: ColourJitter | None = ColourJitter()
    sharpness: SharpnessJitter | None = SharpnessJitter()


class SquareData(LoaderSettings):
    """Clean pictures, of which squares of `side` pixels are learned."""

    pictures: Path
    side: PositiveInt = 128
    batch: PositiveInt = 8
    augment: SquareAugmentation = SquareAugmentation()


class Sampling(Strict):
    """How pictures are drawn: ``ddpm`` with the schedule's steps as published, or ``ddim`` with a few."""

    sampler: Sampler = "ddim"
    steps: PositiveInt = 50


class SquareValidation(Strict):
    """Pictures whose middle squares are shrunk and enlarged again: PSNR, SSIM, and a sheet of samples."""

    pictures: Path
    count: PositiveInt = 8


class DiffusionTraining(OptimiserSettings):
    """Training in epochs; a sample is drawn every `sample_every` steps, and a checkpoint kept every so many epochs.

    `decay` is of the weights' moving average, which is what samples and files are made of. `compile` trains through
    torch.compile.
    """

    epochs: PositiveInt
    sample_every: PositiveInt = 1000
    checkpoint_every: PositiveInt = 1
    loss: Literal["l1", "l2"] = "l1"
    decay: Annotated[float, Field(ge=0, lt=1)] = 0.9999
    log_every: PositiveInt = 100
    keep_states: PositiveInt = 2
    max_not_finite: PositiveInt = 20
    precision: Precision = "32"
    compile: bool = False

    def in_steps(self, epoch: int) -> TrainingSettings:
        """Return the same training counted in steps, `epoch` of them an epoch."""
        own = {"epochs", "sample_every", "checkpoint_every", "loss", "decay", "compile"}
        return TrainingSettings(
            **{name: value for name, value in self if name not in own},
            steps=self.epochs * epoch,
            validate_every=self.sample_every,
            save_every=self.checkpoint_every * epoch,
        )


class SR3Config(Experiment):
    """Train SR3."""

    task: Literal["sr3"]
    model: SR3Architecture = SR3Architecture()
    schedule: DiffusionSchedule = DiffusionSchedule()
    sampling: Sampling = Sampling()
    data: SquareData
    validation: SquareValidation | None = None
    training: DiffusionTraining

    @model_validator(mode="after")
    def _fits(self) -> "SR3Config":
        for multiple, why in ((self.model.scale, "the scale"), (self.model.multiple, "the U-Net's halvings")):
            if self.data.side % multiple:
                raise ValueError(f"data.side is {self.data.side}, expected a multiple of {multiple} ({why})")
        require_steps(self.sampling.steps, self.schedule.steps)
        return self


def require_steps(steps: int, most: int) -> None:
    """Refuse more sampling steps than the schedule has."""
    if steps > most:
        raise ValueError(f"sampling takes {steps} steps, expected at most the schedule's {most}")
