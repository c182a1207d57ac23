"""Configurations that train a network which enlarges luma alone: LapSRN, and bicubic with a small refinement."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from patina.settings import Strict
from patina.specs.experiment import Experiment, LoaderSettings, PositiveFloat, PositiveInt, TrainingSettings
from patina.specs.restoration_settings import LowQualitySources, PairedValidation, Probability


class LapSRNSettings(Strict):
    """LapSRN: one level for every factor of 2, each with a number of 3×3 convolutions of `features` channels."""

    architecture: Literal["lapsrn"] = "lapsrn"
    scale: Literal[2, 4, 8] = 2
    features: PositiveInt = 64
    convolutions: PositiveInt = 10


class SRCNNSettings(Strict):
    """Bicubic followed by SRCNN's three convolutions; `features` are the channels between them."""

    architecture: Literal["srcnn"]
    scale: Literal[2, 3, 4, 8] = 2
    features: tuple[PositiveInt, PositiveInt] = (64, 32)


class FixedPairs(LoaderSettings):
    """Pairs, of which every picture gives `patches` patches of `patch` ground-truth pixels; an epoch is all of them.

    `lq` is as in `PairedData`; `flip` and `rotate` are probabilities.
    """

    lq: LowQualitySources
    gt: Path
    patch: PositiveInt = 128
    patches: PositiveInt = 100
    batch: PositiveInt = 16
    flip: Probability = 0.5
    rotate: Probability = 0.5


class EarlyStoppingSettings(Strict):
    """Stop when PSNR has not grown by `least_gain` dB for `patience` validations; the best weights are kept."""

    patience: PositiveInt = 10
    least_gain: Annotated[float, Field(ge=0)] = 0.0


class LuminanceTraining(TrainingSettings):
    """Training by the Charbonnier loss on every level; `epsilon` is where it turns from square to absolute."""

    epsilon: PositiveFloat = 1e-3
    early_stopping: EarlyStoppingSettings | None = EarlyStoppingSettings()


class LuminanceConfig(Experiment):
    """Train a network that enlarges luma."""

    task: Literal["luminance"]
    model: Annotated[LapSRNSettings | SRCNNSettings, Field(discriminator="architecture")] = LapSRNSettings()
    data: FixedPairs
    validation: PairedValidation | None = None
    training: LuminanceTraining

    @model_validator(mode="after")
    def _fits(self) -> "LuminanceConfig":
        if self.data.patch % self.model.scale:
            raise ValueError(f"data.patch is {self.data.patch}, expected a multiple of the scale {self.model.scale}")
        if self.training.early_stopping and self.validation is None:
            raise ValueError("training.early_stopping needs PSNR: name a validation, or set early_stopping: null")
        return self
