"""Optimiser, training loop and data loader: settings, and the objects made from them."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from patina.settings import PositiveFloat, PositiveInt, Settings
from patina.specs.kept_models import ComparisonSettings
from patina.training.optimisers import OPTIMISERS, optimiser_factory
from patina.training.schedules import Schedule, cosine, delayed, multi_step, warmed_up

if TYPE_CHECKING:
    import torch
    from lightning_fabric import Fabric

    from patina.training.loop_plan import LoopPlan
    from patina.training.updates import Updater

Beta = Annotated[float, Field(ge=0, lt=1)]

OptimiserName = Literal[
    "adam", "adamw", "adan", "lion", "soap", "muon", "adamw_schedulefree", "radam_schedulefree"
]  # fmt: skip
"""Names of the optimisers, see `OPTIMISERS`."""

Precision = Annotated[Literal["auto", "32", "bf16-mixed"], BeforeValidator(str)]
"""Training precision; a bare 32 in YAML is a number and becomes a string."""

PRECISIONS: dict[str, Literal["32-true", "bf16-mixed"]] = {"32": "32-true", "bf16-mixed": "bf16-mixed"}
"""Fabric's names for the precisions."""


class CosineSettings(Settings):
    """A learning rate that follows half a cosine, with optional warm restarts (SGDR)."""

    periods: tuple[PositiveInt, ...] = ()
    """Lengths of the periods in steps, with a warm restart between periods. Empty: one period over all steps."""

    restart_weights: tuple[PositiveFloat, ...] = ()
    """Factor of the learning rate in each period, one per entry of `periods`. Empty: 1 for every period."""

    lowest: Annotated[float, Field(ge=0)] = 0.0
    """Learning rate at the end of every period."""

    @model_validator(mode="after")
    def _one_weight_per_period(self) -> "CosineSettings":
        if self.restart_weights and len(self.restart_weights) != len(self.periods):
            raise ValueError(
                f"{len(self.restart_weights)} restart_weights, expected one per period, {len(self.periods)}"
            )
        return self


class OptimiserSettings(Settings):
    """The optimiser and its learning-rate schedule: MultiStepLR with gamma 0.5, or a cosine."""

    optimiser: OptimiserName = "adam"
    """Its name. `adam` and `adamw` differ in how `weight_decay` is applied; the others need the extra `optimisers`
    (docs/training.md)."""

    learning_rate: PositiveFloat = 1e-4
    """Learning rate at the start of the schedule, after any warm-up."""

    betas: tuple[Beta, Beta] | tuple[Beta, Beta, Beta] | None = None
    """Decay rates of the optimiser's moments: three for `adan`, two for the others. null: its usual ones, (0.9, 0.999)
    for `adam` and `adamw`."""

    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """Weight decay: added to the gradient by `adam`, subtracted from the weights by `adamw` and most others."""

    warm_up: Annotated[int, Field(ge=0)] = 0
    """Number of steps over which the learning rate rises linearly from zero."""

    milestones: tuple[PositiveInt, ...] = ()
    """Steps after which the learning rate is halved (MultiStepLR with gamma 0.5). Excludes `cosine`."""

    cosine: CosineSettings | None = None
    """Cosine annealing in place of `milestones`."""

    clip_gradient: PositiveFloat | None = None
    """Largest allowed norm of the gradient; larger gradients are scaled down. null: no clipping."""

    @model_validator(mode="after")
    def _fits_the_optimiser(self) -> "OptimiserSettings":
        kind = OPTIMISERS[self.optimiser]
        if self.betas is not None and len(self.betas) != len(kind.betas):
            raise ValueError(f"{len(self.betas)} betas, expected {len(kind.betas)} for {self.optimiser}")
        if kind.is_schedule_free and (self.milestones or self.cosine):
            raise ValueError(f"{self.optimiser} needs no schedule, expected neither milestones nor cosine")
        return self

    @model_validator(mode="after")
    def _one_schedule(self) -> "OptimiserSettings":
        if self.cosine is not None and self.milestones:
            raise ValueError("milestones and cosine are both set, expected at most one of them")
        return self


class LoopSettings(ComparisonSettings):
    """How long to train, and how often to log, validate and save; all counts are training steps."""

    steps: PositiveInt
    """Number of training steps."""

    log_every: PositiveInt = 100
    """Steps between two entries of `log.jsonl` and TensorBoard."""

    validate_every: PositiveInt = 5000
    """Steps between two validations."""

    save_every: PositiveInt = 5000
    """Steps between two checkpoints: a model file and a training state to resume from."""

    keep_states: PositiveInt = 2
    """Number of training states kept; older ones are deleted. `keep.last` is about model files."""

    max_not_finite: PositiveInt = 20
    """Number of skipped steps (loss or gradient not finite) after which training stops with an error."""

    accumulate: PositiveInt = 1
    """Number of parts in which a batch is computed, one after the other: about as many times less memory for the same
    weights. Only batch normalisation sees a difference, as it normalises each part by itself."""

    precision: Precision = "32"
    """`32`; `bf16-mixed` for mixed precision in bfloat16; or `auto`, which is the latter where the device has
    instructions for it. Without them it is many times slower."""


class TrainingSettings(LoopSettings, OptimiserSettings):
    """Settings of one training: loop and optimiser."""

    @model_validator(mode="after")
    def _periods_last(self) -> "TrainingSettings":
        periods = self.cosine.periods if self.cosine else ()
        if periods and sum(periods) < self.steps:
            raise ValueError(f"cosine.periods end at step {sum(periods)}, expected {self.steps} (steps) or later")
        return self


class LoaderSettings(Settings):
    """Data loading during training."""

    workers: Annotated[int, Field(ge=0)] = 2
    """Number of processes that read and prepare samples; 0 reads in the training process."""

    cache_mb: Annotated[int, Field(ge=0)] = 512
    """Memory for decoded images in each worker process, in MiB; 0 disables the cache."""


def chosen_precision(precision: str, device: "torch.device") -> str:
    """Return the precision that a `Precision` means on a device: ``"32"`` or ``"bf16-mixed"``."""
    from patina.layers.precision import has_fast_bf16

    if precision != "auto":
        return precision
    return "bf16-mixed" if has_fast_bf16(device) else "32"


def make_fabric(precision: str, device: str = "auto") -> "Fabric":
    """Return Lightning Fabric at a `Precision`, on one device (see `compute_device`) in every process.

    Raises:
        PatinaError: this machine has no such device.
    """
    from patina.system.devices import compute_device
    from patina.training.processes import fabric_of_processes

    found = compute_device(device)
    return fabric_of_processes(found.type, PRECISIONS[chosen_precision(precision, found)])


def loop_plan(
    settings: LoopSettings,
    loader: LoaderSettings,
    seed: int,
    *,
    numbers: Sequence[str] = (),
    epoch: int | None = None,
    compare_after: int = 0,
) -> "LoopPlan":
    """Return the loop's plan.

    Args:
        settings: lengths and intervals.
        loader: of its data.
        seed: of all random numbers.
        numbers: names of what its validations measure.
        epoch: steps per epoch, by which model files are then named.
        compare_after: the last step whose validation is not compared.
    """
    from patina.training.loop_plan import LoopPlan

    return LoopPlan(
        steps=settings.steps,
        log_every=settings.log_every,
        validate_every=settings.validate_every,
        save_every=settings.save_every,
        keep_states=settings.keep_states,
        max_not_finite=settings.max_not_finite,
        workers=loader.workers,
        seed=seed,
        epoch=epoch,
        accumulate=settings.accumulate,
        keep_models=settings.keep.last,
        comparison=settings.comparison_plan(numbers, compare_after),
    )


def updater_factory(
    settings: TrainingSettings,
    learning_rates: dict[str, float] | None = None,
    rate_factors: dict[str, float] | None = None,
    compiled: bool = False,
    after: int = 0,
) -> "Callable[..., Updater]":
    """Return a function that makes the `Updater` for (fabric, name, network).

    Args:
        settings: settings of the optimiser.
        learning_rates: learning rates by network that override the setting.
        rate_factors: factors of the learning rate by parameter name.
        compiled: whether networks are called through torch.compile.
        after: number of steps before the networks' training, and their schedule, begins.

    Raises:
        PatinaError: the optimiser's package is not installed.
    """
    from torch import nn

    from patina.training.updates import Updater

    optimiser = optimiser_factory(settings.optimiser, settings.betas, settings.weight_decay)

    def make(fabric: "Fabric", name: str, network: nn.Module) -> Updater:
        rate = (learning_rates or {}).get(name, settings.learning_rate)
        return Updater(
            fabric,
            name,
            network,
            schedule=delayed(schedule_of(settings, rate), after),
            clip_gradient=settings.clip_gradient,
            rate_factors=rate_factors,
            optimiser=optimiser,
            compiled=compiled,
        )

    return make


def schedule_of(settings: TrainingSettings, learning_rate: float) -> Schedule:
    """Return the learning rate as a function of the step, starting from `learning_rate`."""
    if settings.cosine is None:
        return warmed_up(multi_step(learning_rate, settings.milestones), settings.warm_up)
    annealing = settings.cosine
    periods = annealing.periods or (settings.steps,)
    schedule = cosine(learning_rate, periods, annealing.restart_weights, annealing.lowest)
    return warmed_up(schedule, settings.warm_up)
