"""Training a super-resolution or restoration network on pairs: the configuration and its stages."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator
from torch import nn

from patina.data.pairs import PairedPatches
from patina.data.pairs_on_the_fly import OnTheFlyPatches
from patina.degradations.execution import Engine
from patina.degradations.recipe_patches import finish_patches
from patina.errors import ConfigError, PatinaError, WeightsMissing
from patina.models.rrdbnet import RRDBNetSettings
from patina.seeding import derive, seed_step
from patina.specs.experiment import TrainableConfig, TrainingStage
from patina.specs.generator_spec import GeneratorSettings, load_start
from patina.specs.image_losses import L1Settings, LdlSettings
from patina.specs.kept_models import ComparisonSettings
from patina.specs.losses_spec import AnyLoss, GanSettings, Losses
from patina.specs.optimisation import TrainingSettings, loop_plan, updater_factory
from patina.specs.paired_data import (
    PairedData,
    PairedSets,
    PatchSchedule,
    measured_by,
    paired_patches,
    pairs_in_words,
    validation_sets,
)

if TYPE_CHECKING:
    from patina.training.loop_plan import LoopPlan
    from patina.training.restoration_task import RestorationTask
    from patina.training.task import Task

SHARPENING_RADIUS = 25
"""Radius of unsharp masking in pixels."""


class RestorationStage(TrainingSettings):
    """A training stage. It starts from the weights of the previous stage."""

    name: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    """Name of the stage and of its folder inside the run's folder."""

    losses: Losses = (L1Settings(type="l1"),)
    """Losses of the generator."""

    ema: Annotated[float, Field(gt=0, lt=1)] | None = None
    """EMA decay of the weights, e.g. 0.999; the EMA weights are validated and saved. null: no EMA."""

    patch: PatchSchedule | None = None
    """Overrides `data.patch` in this stage."""

    init_from: Path | None = None
    """Model file to start from instead of the previous stage. null in the first stage: random weights."""

    init_strict: bool = True
    """Fail if a weight of `init_from` does not fit. false: skip such weights and list them."""

    compile: bool = False
    """Train through torch.compile: the first step takes 20 s to minutes longer, later steps may be faster."""

    @model_validator(mode="after")
    def _losses_have_what_they_need(self) -> "RestorationStage":
        if self.ema is None and any(isinstance(loss, LdlSettings) for loss in self.losses):
            raise ValueError("ldl needs EMA weights, expected a decay in `ema`, e.g. 0.999")
        return self

    @property
    def gan(self) -> GanSettings | None:
        """The adversarial loss, if any."""
        return next((loss for loss in self.losses if isinstance(loss, GanSettings)), None)


class RestorationConfig(TrainableConfig):
    """Train a super-resolution or restoration network on pairs, in one or more stages."""

    task: Literal["restoration"]
    """Selects this task."""

    model: GeneratorSettings = RRDBNetSettings()
    """The network, by `architecture`."""

    data: PairedData
    """Training data."""

    validation: PairedSets | None = None
    """Validation pairs, or sets of them by name. null: no validation."""

    stages: Annotated[tuple[RestorationStage, ...], Field(min_length=1)]
    """Stages of training, e.g. PSNR-oriented first, then a GAN."""

    @model_validator(mode="after")
    def _sizes_fit(self) -> "RestorationConfig":
        for stage in self.stages:
            key = "data.patch" if stage.patch is None else f"patch of stage {stage.name}"
            _check_patches(self.patch_sides(stage), key, self.model.scale, stage)
        names = [stage.name for stage in self.stages]
        if len(set(names)) < len(names):
            raise ValueError(f"stages are named {', '.join(names)}, expected unique names")
        return self

    def patch_sides(self, stage: RestorationStage) -> dict[int, int]:
        """Return a stage's patch sides by the step from which they apply."""
        return dict(sorted((self.data.patch if stage.patch is None else stage.patch).items()))

    def fresh_network(self) -> nn.Module:
        """Return the generator with random weights."""
        return self.model.build()

    def validated_numbers(self) -> tuple[str, ...]:
        """Return the metrics of every validation set."""
        return measured_by(self.validation)

    def compared(self) -> dict[str, ComparisonSettings]:
        """Return every stage's settings."""
        return {f"stages.{number}": stage for number, stage in enumerate(self.stages)}

    def training_stages(self) -> tuple[TrainingStage, ...]:
        """Return the stages; a stage starts from its `init_from` or the previous stage's model."""
        found: list[TrainingStage] = []
        for stage in self.stages:
            start = stage.init_from or (found[-1].final_model if found else None)
            found.append(
                TrainingStage(
                    folder=self.run_folder() / stage.name,
                    precision=stage.precision,
                    make_task=partial(restoration_task, self, stage, start),
                    make_plan=partial(_plan, self, stage),
                    start=start,
                )
            )
        return tuple(found)

    def training_images(self) -> str:
        """Return how many pairs there are, or how many images recipes degrade during training."""
        return pairs_in_words(self.data)

    def require(self, device: str = "auto", *, pictures: bool = True) -> list[str]:
        """Check start models, weights of losses, and data of all stages; one error lists everything missing.

        Models made by earlier stages may still be missing. Published weights that later stages lack are returned.
        """
        problems, later = list[str](), list[str]()
        if pictures:
            largest = max(side for stage in self.stages for side in self.patch_sides(stage).values())
            with _noted(problems):
                _patches(self, {1: largest}, seed=0, device=device)
            with _noted(problems):
                validation_sets(self.validation, self.model.scale)
        folders = [training.folder for training in self.training_stages()]
        for number, stage in enumerate(self.stages):
            with _noted(problems, f"stage {stage.name}: "):
                _require_start(self, stage, folders[:number])
            with _noted(problems, f"stage {stage.name}: "):
                try:
                    _require_losses(stage, self.patch_sides(stage)[1])
                except WeightsMissing as error:
                    if not number:
                        raise
                    later.append(f"stage {stage.name} needs weights when it begins: {error}")
            with _noted(problems, f"stage {stage.name}: "):
                _input_multiple(self, stage)
            with _noted(problems, f"stage {stage.name}: "):
                updater_factory(stage)
        if problems:
            raise PatinaError("; ".join(dict.fromkeys(problems)))
        return later


def restoration_task(
    config: RestorationConfig, stage: RestorationStage, start: Path | None, device: str = "auto"
) -> "RestorationTask":
    """Return the task that trains one stage, starting from the generator in the file `start` if given."""
    from patina.training.restoration_objective import RestorationObjective
    from patina.training.restoration_task import RestorationTask

    gan, sides = stage.gan, config.patch_sides(stage)
    dataset, engine = _patches(config, sides, derive(config.seed, "data", stage.name), device)
    seed_step(config.seed, "weights", stage.name)
    network = config.model.build()
    if start is not None:
        load_start(network, start, strict=stage.init_strict or start != stage.init_from)
    objective = RestorationObjective(
        [loss.term() for loss in stage.losses if not isinstance(loss, GanSettings)],
        gan.build(sides[1]) if gan else None,
        stage.ema,
        config.data.augment.mixings,
    )
    rates = {"discriminator": gan.discriminator.learning_rate} if gan else {}
    return RestorationTask(
        network,
        dataset,
        config.model.scale,
        objective,
        updater_factory(stage, rates, compiled=stage.compile),
        multiple=_input_multiple(config, stage),
        validation=validation_sets(config.validation, config.model.scale),
        finish=partial(finish_patches, engine=engine),
    )


def _plan(config: RestorationConfig, stage: RestorationStage, task: "Task") -> "LoopPlan":
    return loop_plan(stage, config.data, config.seed, numbers=config.validated_numbers())


def _patches(
    config: RestorationConfig, sides: dict[int, int], seed: int, device: str
) -> tuple[PairedPatches | OnTheFlyPatches, Engine]:
    data = config.data
    return paired_patches(
        data,
        device=device,
        patch=sides,
        scale=config.model.scale,
        seed=seed,
        flip=data.augment.flip,
        rotate=data.augment.rotate,
        batch=data.batch,
        cache_mb=data.cache_mb,
    )


@contextmanager
def _noted(problems: list[str], prefix: str = "") -> Iterator[None]:
    """Add an error raised inside the context to `problems` instead of propagating it."""
    try:
        yield
    except PatinaError as error:
        problems.append(f"{prefix}{error}")


def _require_start(config: RestorationConfig, stage: RestorationStage, earlier: list[Path]) -> None:
    from patina.models.generator_files import load_generator_weights

    start = stage.init_from
    made_before = start is not None and any(start.is_relative_to(folder) for folder in earlier)
    if start is not None and (start.exists() or not made_before):
        load_generator_weights(config.model.build(), start, stage.init_strict)


def _input_multiple(config: RestorationConfig, stage: RestorationStage) -> int:
    """Return the number that the sides of the network's inputs must be multiples of.

    Raises:
        ConfigError: the stage's patches do not fit.
    """
    scale, (multiple, least) = config.model.scale, config.model.input_sizes()
    for side in config.patch_sides(stage).values():
        if side // scale < least:
            raise ConfigError(
                f"patch is {side}, expected {scale * least} or more for {config.model.architecture}, whose inputs have "
                f"sides of at least {least} pixels"
            )
        if side // scale % multiple:
            raise ConfigError(
                f"patch is {side}, expected a multiple of {scale * multiple} for {config.model.architecture}, whose "
                f"inputs are multiples of {multiple} pixels"
            )
    return multiple


def _require_losses(stage: RestorationStage, patch: int) -> None:
    for loss in stage.losses:
        loss.build(patch) if isinstance(loss, GanSettings) else loss.build()


def _check_patches(sides: dict[int, int], key: str, scale: int, stage: RestorationStage) -> None:
    if 1 not in sides:
        raise ValueError(f"{key} starts at step {min(sides)}, expected a size for step 1")
    for side in sides.values():
        if side % scale:
            raise ValueError(f"{key} is {side}, expected a multiple of the scale {scale}")
        for loss in stage.losses:
            _check_patch_of_loss(side, key, loss)
    if stage.gan and stage.gan.discriminator.architecture == "vgg" and len(set(sides.values())) > 1:
        raise ValueError(f"{key} changes size, but the discriminator vgg needs one size; expected architecture unet")


def _check_patch_of_loss(side: int, key: str, loss: AnyLoss) -> None:
    if side < loss.smallest_patch:
        raise ValueError(f"{key} is {side}, expected {loss.smallest_patch} or more for {loss.patch_reason}")
    if isinstance(loss, GanSettings) and loss.discriminator.architecture == "unet" and side % 8:
        raise ValueError(f"{key} is {side}, expected a multiple of 8 for the discriminator unet")
    if loss.sharpened and side <= SHARPENING_RADIUS:
        raise ValueError(f"{key} is {side}, expected more than {SHARPENING_RADIUS} for sharpened targets")
