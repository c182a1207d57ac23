"""What the configurations of all tasks share: optimiser, loop, loader, name and seed."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    model_validator,
)

from patina.strict import Strict

PositiveInt = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
Precision = Literal["32", "bf16-mixed"]


class OptimiserSettings(Strict):
    """Adam and its learning rate, halved at the milestones.

    `milestones` are steps; `clip_gradient` is the largest gradient norm, null for none.
    """

    learning_rate: PositiveFloat = 1e-4
    betas: tuple[float, float] = (0.9, 0.999)
    milestones: tuple[PositiveInt, ...] = ()
    clip_gradient: PositiveFloat | None = None


class LoopSettings(Strict):
    """How long to train and what to write on the way; all counts are training steps."""

    steps: PositiveInt
    log_every: PositiveInt = 100
    validate_every: PositiveInt = 5000
    save_every: PositiveInt = 5000
    keep_states: PositiveInt = 2
    max_not_finite: PositiveInt = 20
    precision: Precision = "32"

    @model_validator(mode="before")
    @classmethod
    def _precision_is_a_name(cls, values: Any) -> Any:
        """YAML reads a bare 32 as a number."""
        if isinstance(values, dict) and values.get("precision") == 32:
            return {**values, "precision": "32"}
        return values


class LoaderSettings(Strict):
    """How training pictures are read: worker processes, and decoded pictures kept in memory by each."""

    workers: Annotated[int, Field(ge=0)] = 2
    cache_mb: Annotated[int, Field(ge=0)] = 512


class Experiment(Strict):
    """What every configuration has: a name, a seed, and the folder that runs are written to."""

    name: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    seed: int = 0
    runs: Path = Path("trained_models")
