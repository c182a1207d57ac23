"""How long a training lasts, and what it does in between."""

from dataclasses import dataclass

from patina.runs.watchers import WatcherName
from patina.training.best_model import NO_COMPARISON, ComparisonPlan


@dataclass(frozen=True)
class LoopPlan:
    """How long to train and how often to log, validate and save; all counts are training steps.

    Attributes:
        steps: number of steps.
        log_every, validate_every, save_every: steps between log lines, validations and saved states.
        keep_states: number of most recent training states kept.
        max_not_finite: number of skipped steps after which the run stops with an error.
        workers: processes that read pictures.
        seed: seed of all random numbers.
        epoch: steps per epoch to name model files by epoch, or None.
        accumulate: micro-batches per process and step (gradient accumulation).
        keep_models: number of most recent models of steps kept; None for all.
        comparison: how validations are compared.
        watch: experiment trackers that record the training beside TensorBoard.
    """

    steps: int
    log_every: int
    validate_every: int
    save_every: int
    keep_states: int
    max_not_finite: int
    workers: int
    seed: int
    epoch: int | None = None
    accumulate: int = 1
    keep_models: int | None = None
    comparison: ComparisonPlan = NO_COMPARISON
    watch: tuple[WatcherName, ...] = ()

    def label(self, step: int) -> int | str:
        """Return the name of the model after a step: the epoch at the end of an epoch, otherwise the step."""
        return f"epoch-{step // self.epoch}" if self.epoch and step % self.epoch == 0 else step
