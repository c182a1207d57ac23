"""Configurations that train a network which enlarges luma alone: LapSRN, and bicubic with a small refinement."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from patina.settings import Strict
from patina.specs.experiment import Experiment, LoaderSettings, PositiveFloat, PositiveInt, TrainingSettings
from patina.specs.restoration_settings import LowQualitySources, PairedValidation, Probability


class LapSRNSettings(Strict):
    """LapSRN: a Laplacian pyramid with one level for every factor of 2."""

    architecture: Literal["lapsrn"] = "lapsrn"
    """Selects this network."""

    scale: Literal[2, 4, 8] = 2
    """Upscaling factor."""

    features: PositiveInt = 64
    """Channels of the convolutions."""

    convolutions: PositiveInt = 10
    """Number of 3×3 convolutions in each level."""


class SRCNNSettings(Strict):
    """Bicubic interpolation followed by SRCNN's three convolutions."""

    architecture: Literal["srcnn"]
    """Selects this network."""

    scale: Literal[2, 3, 4, 8] = 2
    """Upscaling factor."""

    features: tuple[PositiveInt, PositiveInt] = (64, 32)
    """Channels after the first and the second convolution."""


class FixedPairs(LoaderSettings):
    """GT images of which a fixed set of crops is seen again in every epoch, in a new order."""

    lq: LowQualitySources
    """Folder of LQ images that match the GT images by stem, a recipe that degrades GT crops, or a weighted list of
    both."""

    gt: Path
    """Folder of GT images."""

    patch: PositiveInt = 128
    """Side of a GT crop, in pixels; a multiple of `model.scale`."""

    patches: PositiveInt = 100
    """Crops per image. An epoch is all crops of all images."""

    batch: PositiveInt = 16
    """Pairs in a batch."""

    flip: Probability = 0.5
    """Probability of a horizontal flip, and of a vertical flip, for each crop."""

    rotate: Probability = 0.5
    """Probability of transposing a crop."""


class EarlyStoppingSettings(Strict):
    """Stop when the validation PSNR no longer grows; the best weights are kept."""

    patience: PositiveInt = 10
    """Number of validations without improvement after which training stops."""

    least_gain: Annotated[float, Field(ge=0)] = 0.0
    """Smallest gain in dB that counts as an improvement."""


class LuminanceTraining(TrainingSettings):
    """Training with the Charbonnier loss on every level."""

    epsilon: PositiveFloat = 1e-3
    """Error below which the Charbonnier loss is smooth; images are in [0, 1]."""

    early_stopping: EarlyStoppingSettings | None = EarlyStoppingSettings()
    """When to stop early. null: train all steps."""


class LuminanceConfig(Experiment):
    """Train a network that upscales luma and leaves chroma to bicubic."""

    task: Literal["luminance"]
    """Selects this task."""

    model: Annotated[LapSRNSettings | SRCNNSettings, Field(discriminator="architecture")] = LapSRNSettings()
    """The network, by `architecture`."""

    data: FixedPairs
    """Training data."""

    validation: PairedValidation | None = None
    """Validation pairs; needed for early stopping."""

    training: LuminanceTraining
    """Optimiser and training loop."""

    @model_validator(mode="after")
    def _fits(self) -> "LuminanceConfig":
        if self.data.patch % self.model.scale:
            raise ValueError(f"data.patch is {self.data.patch}, expected a multiple of the scale {self.model.scale}")
        if self.training.early_stopping and self.validation is None:
            raise ValueError("training.early_stopping needs PSNR: name a validation, or set early_stopping: null")
        return self
