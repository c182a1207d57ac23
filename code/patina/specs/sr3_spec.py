"""Training SR3, and opening its model files."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from patina.data.augmentation import Augmentation
from patina.data.clean_tiles import CleanTiles
from patina.data.domains import require_size
from patina.errors import counted
from patina.imaging.picture_files import list_pictures
from patina.models.model_files import built_network, load_model_file, typed_part
from patina.models.sr3 import SR3, DiffusionSchedule, Sampler, SR3Architecture
from patina.seeding import derive, seed_step
from patina.settings import PositiveInt, Probability, Settings
from patina.specs.experiment import SingleStageConfig
from patina.specs.kept_models import ComparisonSettings
from patina.specs.optimisation import (
    LoaderSettings,
    OptimiserSettings,
    Precision,
    TrainingSettings,
    loop_plan,
    updater_factory,
)

if TYPE_CHECKING:
    from patina.training.loop_plan import LoopPlan
    from patina.training.sr3_task import SR3Task
    from patina.training.task import Task


class ColourJitter(Settings):
    """Random changes of brightness, contrast, saturation and hue."""

    probability: Probability = 0.5
    """Probability that a crop is changed."""

    brightness: Annotated[float, Field(ge=0, lt=1)] = 0.2
    """Brightness is multiplied by a factor from 1 minus to 1 plus this value."""

    contrast: Annotated[float, Field(ge=0, lt=1)] = 0.2
    """Contrast is multiplied by a factor from 1 minus to 1 plus this value."""

    saturation: Annotated[float, Field(ge=0, lt=1)] = 0.2
    """Saturation is multiplied by a factor from 1 minus to 1 plus this value."""

    hue: Annotated[float, Field(ge=0, le=0.5)] = 0.02
    """Hue is shifted by up to this fraction of the colour circle, either way."""


class SharpnessJitter(Settings):
    """Random changes of sharpness."""

    probability: Probability = 0.3
    """Probability that a crop is changed."""

    range: tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(ge=0)]] = (0.5, 2.0)
    """Lowest and highest factor: 0 blurs, 1 changes nothing, 2 sharpens."""


class CropAugmentation(Settings):
    """Augmentation of crops before downscaling."""

    flip: Probability = 0.5
    """Probability of a horizontal flip."""

    colour: ColourJitter | None = ColourJitter()
    """Colour jitter. null: none."""

    sharpness: SharpnessJitter | None = SharpnessJitter()
    """Sharpness jitter. null: none."""

    def build(self) -> Augmentation:
        """Return the augmentation."""
        changes: dict[str, Any] = {"flip": self.flip}
        if self.colour:
            changes |= {"colour": self.colour.probability} | self.colour.model_dump(exclude={"probability"})
        if self.sharpness:
            changes |= {"sharpness": self.sharpness.probability, "sharpness_range": self.sharpness.range}
        return Augmentation(**changes)


class CropData(LoaderSettings):
    """Clean images to crop; LQ inputs are made by bicubic downscaling."""

    pictures: Path
    """Folder of clean images; `patina prepare -mode tiles` cuts images into tiles of one size."""

    recursive: bool = False
    """Include images in subfolders."""

    side: PositiveInt = 128
    """Side of a crop in pixels, a multiple of `model.scale` and of 2 for every level of the U-Net but one."""

    batch: PositiveInt = 8
    """Crops in a batch."""

    augment: CropAugmentation = CropAugmentation()
    """Augmentation."""


class SamplingSettings(Settings):
    """Sampling in validation, and the default of the model file."""

    sampler: Sampler = "ddim"
    """`ddpm`, the published sampler over all steps of the schedule, or `ddim` with fewer steps."""

    steps: PositiveInt = 50
    """Number of sampling steps, at most those of the schedule."""


class CropValidation(Settings):
    """Images whose centre crops are downscaled and upscaled again, for PSNR, SSIM and a preview sheet."""

    pictures: Path
    """Folder of images."""

    count: PositiveInt = 8
    """Number of images used, the first ones by name."""


class DiffusionTraining(ComparisonSettings, OptimiserSettings):
    """Training of a diffusion model, counted in epochs; an epoch visits every image once."""

    epochs: PositiveInt
    """Number of epochs."""

    sample_every: PositiveInt = 1000
    """Steps between two validations, which sample images."""

    checkpoint_every: PositiveInt = 1
    """Epochs between two checkpoints."""

    loss: Literal["l1", "l2"] = "l1"
    """`l1` or `l2`, between the network's output and its target, see `schedule.predict`."""

    ema: Annotated[float, Field(ge=0, lt=1)] = 0.9999
    """EMA decay of the weights; the EMA weights are sampled from and saved."""

    log_every: PositiveInt = 100
    """Steps between two entries of `log.jsonl` and TensorBoard."""

    accumulate: PositiveInt = 1
    """Number of parts in which a batch is computed, one after the other: about as many times less memory for the same
    weights."""

    keep_states: PositiveInt = 2
    """Number of training states kept; older ones are deleted."""

    max_not_finite: PositiveInt = 20
    """Number of skipped steps (loss or gradient not finite) after which training stops with an error."""

    precision: Precision = "32"
    """`32`, `bf16-mixed`, or `auto`, which is the latter where the device has instructions for it."""

    compile: bool = False
    """Train through torch.compile."""

    def in_steps(self, epoch: int) -> TrainingSettings:
        """Return the same settings counted in steps, with `epoch` steps per epoch."""
        own = {"epochs", "sample_every", "checkpoint_every", "loss", "ema", "compile"}
        return TrainingSettings(
            **{name: value for name, value in self if name not in own},
            steps=self.epochs * epoch,
            validate_every=self.sample_every,
            save_every=self.checkpoint_every * epoch,
        )


class SR3Config(SingleStageConfig):
    """Train SR3 (Saharia et al. 2021), super-resolution by conditional diffusion."""

    task: Literal["sr3"]
    """Selects this task."""

    model: SR3Architecture = SR3Architecture()
    """Size of the U-Net."""

    schedule: DiffusionSchedule = DiffusionSchedule()
    """Noise schedule."""

    sampling: SamplingSettings = SamplingSettings()
    """How images are sampled."""

    data: CropData
    """Training data."""

    validation: CropValidation | None = None
    """Validation images. null: no validation."""

    training: DiffusionTraining
    """Optimiser and training loop."""

    @model_validator(mode="after")
    def _fits(self) -> "SR3Config":
        for multiple, why in ((self.model.scale, "the scale"), (self.model.multiple, "the U-Net's halvings")):
            if self.data.side % multiple:
                raise ValueError(f"data.side is {self.data.side}, expected a multiple of {multiple} ({why})")
        require_steps(self.sampling.steps, self.schedule.steps)
        return self

    def validated_numbers(self) -> tuple[str, ...]:
        """Return the metrics of the samples."""
        return ("psnr", "ssim", "mse") if self.validation else ()

    def fresh_network(self) -> SR3:
        """Return the network with random weights."""
        return SR3(self.model, self.schedule)

    def training_images(self) -> str:
        """Return how many images there are."""
        return counted(len(list_pictures(self.data.pictures, "gt", self.data.recursive)), "image")

    def make_task(self, device: str = "auto") -> "SR3Task":
        """Return the task that trains the network."""
        from patina.training.sr3_task import SR3Task

        data = self.data
        dataset = CleanTiles(
            list_pictures(data.pictures, "gt", data.recursive),
            side=data.side,
            scale=self.model.scale,
            batch=data.batch,
            seed=derive(self.seed, "data"),
            augment=data.augment.build(),
            cache_mb=data.cache_mb,
        )
        shown = list_pictures(self.validation.pictures, "gt")[: self.validation.count] if self.validation else []
        require_size(shown, data.side, "crop")
        seed_step(self.seed, "weights")
        return SR3Task(
            self.fresh_network(),
            dataset,
            updater_factory(self.training.in_steps(dataset.epoch), compiled=self.training.compile),
            loss=self.training.loss,
            ema_decay=self.training.ema,
            sampling=(self.sampling.sampler, self.sampling.steps),
            shown=shown,
        )

    def make_plan(self, task: "Task") -> "LoopPlan":
        """Return the loop's plan; an epoch visits every image once."""
        assert isinstance(task.dataset, CleanTiles)
        epoch = task.dataset.epoch
        numbers = self.validated_numbers()
        return loop_plan(self.training.in_steps(epoch), self.data, self.seed, numbers=numbers, epoch=epoch)


def require_steps(steps: int, most: int) -> None:
    """Raise an error if there are more sampling steps than the schedule has."""
    if steps > most:
        raise ValueError(f"sampling.steps is {steps}, expected at most the schedule's {most}")


class SR3Configuration(Settings):
    """The configuration in an SR3's model file."""

    architecture: SR3Architecture
    """Size of the U-Net."""

    schedule: DiffusionSchedule
    """Noise schedule."""

    sampler: Sampler
    """Sampler to use unless told otherwise."""

    steps: PositiveInt
    """Its number of steps."""

    side: Annotated[int, Field(ge=8, le=8192)]
    """Side of a tile in pixels of the result."""

    @model_validator(mode="after")
    def _fits(self) -> "SR3Configuration":
        require_steps(self.steps, self.schedule.steps)
        if self.side % self.architecture.multiple:
            raise ValueError(f"side is {self.side}, expected a multiple of {self.architecture.multiple}")
        return self


def load_sr3(path: Path) -> tuple[SR3, SR3Configuration]:
    """Return the network of a model file, in evaluation mode, and its configuration.

    Raises:
        PatinaError: the configuration or the weights do not fit SR3.
    """
    model = load_model_file(path)
    stored = typed_part(SR3Configuration, model.configuration, path, "configuration")
    network = built_network(partial(SR3, stored.architecture, stored.schedule), model.weights, path)
    return network.eval(), stored
