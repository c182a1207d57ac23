"""What the configurations of all tasks share: optimiser, loop, loader, name and seed."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BeforeValidator,
    Field,
    model_validator,
)

from patina.runs import run_models as models
from patina.settings import Strict

PositiveInt = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
Precision = Annotated[Literal["32", "bf16-mixed"], BeforeValidator(str)]
"""YAML reads a bare 32 as a number."""


class CosineSettings(Strict):
    """A learning rate that follows half a cosine, with optional warm restarts (SGDR)."""

    periods: tuple[PositiveInt, ...] = ()
    """Length of each period in steps; a restart lies between two periods. Empty: one period over all steps."""

    restart_weights: tuple[PositiveFloat, ...] = ()
    """Factor of the learning rate in each period, one per entry of `periods`. Empty: 1 for every period."""

    lowest: Annotated[float, Field(ge=0)] = 0.0
    """Learning rate at the end of every period."""

    @model_validator(mode="after")
    def _a_weight_a_period(self) -> "CosineSettings":
        if self.restart_weights and len(self.restart_weights) != len(self.periods):
            raise ValueError(f"restart_weights are {len(self.restart_weights)}, expected one for each of the periods")
        return self


class OptimiserSettings(Strict):
    """The optimiser and its learning-rate schedule: MultiStepLR with gamma 0.5, or a cosine."""

    optimiser: Literal["adam", "adamw"] = "adam"
    """`adam` or `adamw`; they differ in how `weight_decay` is applied."""

    learning_rate: PositiveFloat = 1e-4
    """Learning rate at the start of the schedule, after any warm-up."""

    betas: tuple[float, float] = (0.9, 0.999)
    """Adam's decay rates of the first and second moment."""

    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """Weight decay: added to the gradient by `adam`, subtracted from the weights by `adamw`."""

    warm_up: Annotated[int, Field(ge=0)] = 0
    """Number of steps over which the learning rate rises linearly from zero."""

    milestones: tuple[PositiveInt, ...] = ()
    """Steps after which the learning rate is halved (MultiStepLR with gamma 0.5). Excludes `cosine`."""

    cosine: CosineSettings | None = None
    """Cosine annealing in place of `milestones`."""

    clip_gradient: PositiveFloat | None = None
    """Largest allowed norm of the gradient; larger gradients are scaled down. null: no clipping."""

    @model_validator(mode="after")
    def _one_schedule(self) -> "OptimiserSettings":
        if self.cosine is not None and self.milestones:
            raise ValueError("milestones and cosine are two schedules, expected at most one of them")
        return self


class LoopSettings(Strict):
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
    """How many training states are kept; older ones are deleted. Model files are all kept."""

    max_not_finite: PositiveInt = 20
    """Number of skipped steps (loss or gradient not finite) after which the training gives up."""

    precision: Precision = "32"
    """`32`, or `bf16-mixed` for mixed precision in bfloat16."""


class TrainingSettings(LoopSettings, OptimiserSettings):
    """One training: how long, and by which steps."""

    @model_validator(mode="after")
    def _periods_last(self) -> "TrainingSettings":
        periods = self.cosine.periods if self.cosine else ()
        if periods and sum(periods) < self.steps:
            raise ValueError(f"cosine.periods end at step {sum(periods)}, expected {self.steps} (steps) or later")
        return self


class LoaderSettings(Strict):
    """How training images are read."""

    workers: Annotated[int, Field(ge=0)] = 2
    """Number of processes that read and prepare samples; 0 reads in the training process."""

    cache_mb: Annotated[int, Field(ge=0)] = 512
    """Memory for decoded images in each worker process, in MiB; 0 keeps none."""


class Experiment(Strict):
    """What every configuration has: a name, a seed and an output folder."""

    name: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    """Name of the run and of its folder below `runs`."""

    seed: int = 0
    """Seed of all random numbers: initial weights, order of the images, crops, augmentation and noise."""

    runs: Path = Path("trained_models")
    """Folder in which every run gets a folder of its own."""

    def run_folder(self, stage: str | None = None) -> Path:
        """Return the folder of the run, or of one of its stages."""
        return self.runs / self.name / stage if stage else self.runs / self.name

    def final_model(self, stage: str | None = None) -> Path:
        """Return where the finished run, or stage, leaves its model."""
        return self.run_folder(stage) / models.FOLDER / f"{models.FINAL}.safetensors"
