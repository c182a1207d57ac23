"""Learning noise with LUD-DIF: the configuration, its networks, task and model files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, model_validator
from torch import Tensor

from patina.data.normalisation import ImageStatistics
from patina.data.unpaired import ImagesInTurn
from patina.degradations.learned_degradation import LearnedDegradation
from patina.degradations.ludif_configuration import LUDDIFSampling
from patina.degradations.ludif_degradation import LUDDIFDegradation
from patina.errors import PatinaError
from patina.models.ludif import LUDDIF, LUDDIFArchitecture, LUDDIFLevels
from patina.models.model_files import ModelFile
from patina.seeding import derive, seed_step
from patina.settings import PositiveInt
from patina.specs.image_folders import ImageFolderConfig, ImageValidation, UnpairedImageData
from patina.specs.optimisation import TrainingSettings, loop_plan, updater_factory

if TYPE_CHECKING:
    from torch import nn

    from patina.training.loop_plan import LoopPlan
    from patina.training.ludif_task import LUDDIFTask
    from patina.training.task import Task


class OneDomainBatches(UnpairedImageData):
    """Two unpaired domains as plain folders of images; a batch is of one of them."""

    batch: PositiveInt = 16
    """Images in a batch; an even number."""


class WeakPairs(LUDDIFSampling):
    """How a clean partner is made of every real patch: by the model of clean images, or by a restoration network."""

    steps: Annotated[int, Field(ge=1, le=1000)] = 5
    """Sampling steps of the model of clean images."""

    replace_impulses: bool = False
    """Replace black and white values of real images by the mean of their neighbours first, for salt-and-pepper
    noise."""

    restorer: Path | None = None
    """Model file of a restoration network of scale 1, e.g. trained on fitted pairs, that makes the partners; no model
    of clean images is trained then. null: the model of clean images makes them."""

    @model_validator(mode="after")
    def _one_way(self) -> "WeakPairs":
        if self.restorer is not None and (unused := self.model_fields_set - {"restorer", "replace_impulses"}):
            raise ValueError(f"restorer and {sorted(unused)[0]} exclude each other; remove one of them")
        return self


class LUDDIFTraining(TrainingSettings):
    """Training of LUD-DIF; both networks have the same optimiser settings, and a schedule each."""

    clean_steps: Annotated[int, Field(ge=1)] | None = None
    """Number of the steps, the first ones, in which the model of clean images is trained. null: half of them."""

    ema: Annotated[float, Field(ge=0, lt=1)] = 0.999
    """EMA decay of the weights; the EMA weights make the pairs and are saved."""

    @model_validator(mode="after")
    def _leaves_steps(self) -> "LUDDIFTraining":
        if self.clean_steps is not None and self.clean_steps >= self.steps:
            raise ValueError(f"clean_steps is {self.clean_steps}, expected fewer than steps, {self.steps}")
        return self


class LUDDIFConfig(ImageFolderConfig):
    """Learn noise with LUD-DIF (Bao et al.), two diffusion models."""

    degradation: ClassVar[type[LearnedDegradation]] = LUDDIFDegradation

    task: Literal["ludif"]
    """Selects this task."""

    model: LUDDIFArchitecture = LUDDIFArchitecture()
    """Size of each of the two U-Nets."""

    noise_level: LUDDIFLevels = LUDDIFLevels()
    """Noise that is added on the way, std in grey levels (8-bit)."""

    pairs: WeakPairs = WeakPairs()
    """How weak pairs are made."""

    sampling: LUDDIFSampling = LUDDIFSampling()
    """How images are sampled in previews, and the default of the model file."""

    data: OneDomainBatches
    """Training data."""

    validation: ImageValidation = ImageValidation()
    """Validation data."""

    training: LUDDIFTraining
    """Optimiser and training loop."""

    @model_validator(mode="after")
    def _fits(self) -> "LUDDIFConfig":
        multiple = self.model.multiple
        for name, side in (("data.patch", self.data.patch), ("validation.crop", self.validation.crop)):
            if side % multiple:
                raise ValueError(f"{name} is {side}, expected a multiple of {multiple} (the U-Net's halvings)")
        if self.pairs.restorer is not None and self.training.clean_steps is not None:
            raise ValueError("training.clean_steps and pairs.restorer exclude each other; remove one of them")
        return self

    @property
    def clean_steps(self) -> int:
        """The number of steps in which the model of clean images is trained."""
        if self.pairs.restorer is not None:
            return 0
        given = self.training.clean_steps
        return self.training.steps // 2 if given is None else given

    def describe(self, weights: dict[str, Tensor]) -> ModelFile:
        """Refuse a published network's weights: there are none.

        Raises:
            PatinaError: always.
        """
        raise PatinaError("LUD-DIF has no published models; give a model file that Patina trained")

    def validated_numbers(self) -> tuple[str, ...]:
        """Return the losses that change while the model of real images is trained."""
        return ("loss_real",)

    def make_plan(self, task: "Task") -> "LoopPlan":
        """Return the loop's plan; validations are compared from when the model of real images is trained."""
        numbers, after = self.validated_numbers(), self.clean_steps
        return loop_plan(self.training, self.data, self.seed, numbers=numbers, compare_after=after)

    def fresh_network(self) -> LUDDIF:
        """Return the networks with random weights."""
        return LUDDIF(self.model, has_clean=self.pairs.restorer is None)

    def make_task(self, device: str = "auto") -> "LUDDIFTask":
        """Return the task that trains the networks."""
        from patina.fitting.photo_noise import noise_strengths
        from patina.training.ludif_task import LUDDIFObjective, LUDDIFTask

        restorer = None if self.pairs.restorer is None else _opened_restorer(self.pairs.restorer)
        clean, real = self.data.open()
        data, shown, training, clean_steps = self.data, self.validation, self.training, self.clean_steps
        dataset = ImagesInTurn(
            clean,
            real,
            clean_steps=clean_steps,
            patch=data.patch,
            batch=data.batch,
            seed=derive(self.seed, "data"),
            augment=data.augment,
            cache_mb=data.cache_mb,
        )
        seed_step(self.seed, "weights")
        objective = LUDDIFObjective(
            self.noise_level,
            clean_steps,
            LUDDIFSampling(steps=self.pairs.steps, eta=self.pairs.eta),
            self.sampling,
            self.pairs.replace_impulses,
            training.ema,
        )
        lengths = {"clean": (clean_steps, 0), "real": (training.steps - clean_steps, clean_steps)}
        return LUDDIFTask(
            self.fresh_network(),
            dataset,
            ImageStatistics.of(clean, real),
            objective,
            {
                name: updater_factory(training.model_copy(update={"steps": steps}), after=after)
                for name, (steps, after) in lengths.items()
            },
            measure=noise_strengths,
            restorer=restorer,
            shown=shown.open(clean, real, data.recursive),
            pictures=shown.pictures,
            crop=shown.crop,
        )


def _opened_restorer(path: Path) -> "nn.Module":
    from patina.models.adapted_network import adapted
    from patina.models.generator_files import load_generator

    opened = load_generator(path)
    if opened.scale != 1:
        raise PatinaError(f"{path}: a network of scale {opened.scale}, expected a restoration network of scale 1")
    return adapted(opened.model, opened)
