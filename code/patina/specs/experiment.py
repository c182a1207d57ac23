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
    """A learning rate that falls along half a cosine, again after every restart.

    `periods` are the steps from one restart to the next, one period of the whole training where none is given;
    `restart_weights` multiply the learning rate in each, and `lowest` is where every period ends.
    """

    periods: tuple[PositiveInt, ...] = ()
    restart_weights: tuple[PositiveFloat, ...] = ()
    lowest: Annotated[float, Field(ge=0)] = 0.0

    @model_validator(mode="after")
    def _a_weight_a_period(self) -> "CosineSettings":
        if self.restart_weights and len(self.restart_weights) != len(self.periods):
            raise ValueError(f"restart_weights are {len(self.restart_weights)}, expected one for each of the periods")
        return self


class OptimiserSettings(Strict):
    """Adam or AdamW and the learning rate: halved at the milestones, or along a cosine.

    `warm_up` is the number of steps in which the learning rate rises from zero; `milestones` are steps;
    `clip_gradient` is the largest gradient norm, null for none.
    """

    optimiser: Literal["adam", "adamw"] = "adam"
    learning_rate: PositiveFloat = 1e-4
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    warm_up: Annotated[int, Field(ge=0)] = 0
    milestones: tuple[PositiveInt, ...] = ()
    cosine: CosineSettings | None = None
    clip_gradient: PositiveFloat | None = None

    @model_validator(mode="after")
    def _one_schedule(self) -> "OptimiserSettings":
        if self.cosine is not None and self.milestones:
            raise ValueError("milestones and cosine are two schedules, expected at most one of them")
        return self


class LoopSettings(Strict):
    """How long to train and what to write on the way; all counts are training steps."""

    steps: PositiveInt
    log_every: PositiveInt = 100
    validate_every: PositiveInt = 5000
    save_every: PositiveInt = 5000
    keep_states: PositiveInt = 2
    max_not_finite: PositiveInt = 20
    precision: Precision = "32"


class TrainingSettings(LoopSettings, OptimiserSettings):
    """One training: how long, and by which steps."""

    @model_validator(mode="after")
    def _periods_last(self) -> "TrainingSettings":
        periods = self.cosine.periods if self.cosine else ()
        if periods and sum(periods) < self.steps:
            raise ValueError(f"cosine.periods end at step {sum(periods)}, expected {self.steps} (steps) or later")
        return self


class LoaderSettings(Strict):
    """How training pictures are read: worker processes, and decoded pictures kept in memory by each."""

    workers: Annotated[int, Field(ge=0)] = 2
    cache_mb: Annotated[int, Field(ge=0)] = 512


class Experiment(Strict):
    """What every configuration has: a name, a seed, and the folder that runs are written to."""

    name: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    seed: int = 0
    runs: Path = Path("trained_models")

    def run_folder(self, stage: str | None = None) -> Path:
        """Return the folder of the run, or of one of its stages."""
        return self.runs / self.name / stage if stage else self.runs / self.name

    def final_model(self, stage: str | None = None) -> Path:
        """Return where the finished run, or stage, leaves its model."""
        return self.run_folder(stage) / models.FOLDER / f"{models.FINAL}.safetensors"
