"""Training a network that upscales luma alone: LapSRN, or bicubic interpolation refined by SRCNN."""

from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from patina.data.fixed_patches import FixedPatches
from patina.degradations.recipe_patches import finish_patches
from patina.models.lapsrn import LapSRNSettings
from patina.models.luminance_network import LuminanceNetwork
from patina.models.networks import LuminanceSettings
from patina.seeding import derive, seed_step
from patina.settings import PositiveFloat, PositiveInt, Probability
from patina.specs.experiment import SingleStageConfig
from patina.specs.kept_models import EarlyStoppingSettings
from patina.specs.optimisation import TrainingSettings, updater_factory
from patina.specs.paired_data import (
    PairedSets,
    PairedSources,
    measured_by,
    paired_patches,
    pairs_in_words,
    validation_sets,
)

if TYPE_CHECKING:
    from patina.training.luminance_task import LuminanceTask


class FixedPairs(PairedSources):
    """GT images with a fixed set of crops, which every epoch visits in a new order."""

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


class LuminanceTraining(TrainingSettings):
    """Training with the Charbonnier loss on every level."""

    epsilon: PositiveFloat = 1e-3
    """Error below which the Charbonnier loss is smooth; images are in [0, 1]."""

    early_stopping: EarlyStoppingSettings | None = EarlyStoppingSettings()
    """When to stop early. null: train all steps."""


class LuminanceConfig(SingleStageConfig):
    """Train a network that upscales luma and leaves chroma to bicubic."""

    task: Literal["luminance"]
    """Selects this task."""

    model: Annotated[LuminanceSettings, Field(discriminator="architecture")] = LapSRNSettings()
    """The network, by `architecture`."""

    data: FixedPairs
    """Training data."""

    validation: PairedSets | None = None
    """Validation pairs, or sets of them by name; needed for early stopping."""

    training: LuminanceTraining
    """Optimiser and training loop."""

    @model_validator(mode="after")
    def _fits(self) -> "LuminanceConfig":
        if self.data.patch % self.model.scale:
            raise ValueError(f"data.patch is {self.data.patch}, expected a multiple of the scale {self.model.scale}")
        return self

    def validated_numbers(self) -> tuple[str, ...]:
        """Return the metrics of every validation set, and the gain over bicubic."""
        return measured_by(self.validation, "gain")

    def fresh_network(self) -> LuminanceNetwork:
        """Return the network with its starting weights."""
        return self.model.build()

    def training_images(self) -> str:
        """Return how many pairs there are, or how many images recipes degrade."""
        return pairs_in_words(self.data)

    def make_task(self, device: str = "auto") -> "LuminanceTask":
        """Return the task that trains the network."""
        from patina.training.luminance_task import LuminanceTask

        data, scale = self.data, self.model.scale
        patches, engine = paired_patches(
            data,
            device=device,
            patch={1: data.patch},
            scale=scale,
            seed=derive(self.seed, "data"),
            flip=data.flip,
            rotate=data.rotate,
            batch=len(data.gt_images()),
            cache_mb=data.cache_mb,
        )
        seed_step(self.seed, "weights")
        return LuminanceTask(
            self.model.build(),
            FixedPatches(patches, count=data.patches, batch=data.batch),
            updater_factory(self.training),
            epsilon=self.training.epsilon,
            validation=validation_sets(self.validation, scale),
            finish=partial(finish_patches, engine=engine),
        )
