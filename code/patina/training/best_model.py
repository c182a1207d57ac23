"""Validations compared: which model is the best so far, and when no better one is to be expected."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from patina.errors import PatinaError
from patina.metrics.full_reference import METRICS
from patina.system.typed_values import typed

HIGHER_IS_BETTER = {key: metric.higher_is_better for key, metric in METRICS.items()} | {
    "gain": True,
    "nll": False,
    "reconstruction": False,
    "kl": False,
    "loss": False,
}
"""Whether better models have higher values, by what is measured."""

DOMAINS = ("_clean", "_real")


def is_higher_better(number: str) -> bool:
    """Return whether better models have higher values of a validation's number, e.g. ``psnr`` or ``bsd/psnr``.

    Raises:
        KeyError: no model is better by that number.
    """
    name = number.rpartition("/")[2]
    for domain in DOMAINS:
        name = name.removesuffix(domain)
    return HIGHER_IS_BETTER[name]


@dataclass(frozen=True)
class StoppingPlan:
    """When a training ends early.

    Attributes:
        number: the number of a validation that must improve.
        patience: validations without improvement after which training ends.
        least_gain: smallest gain that counts as an improvement.
    """

    number: str
    patience: int
    least_gain: float = 0.0


@dataclass(frozen=True)
class ComparisonPlan:
    """How the validations of a training are compared.

    Attributes:
        best: the number by which the best model is kept; None keeps none.
        stopping: when training ends early, with the best model as its result; None for never.
        after: the last step whose validation is not compared.
    """

    best: str | None = None
    stopping: StoppingPlan | None = None
    after: int = 0


NO_COMPARISON = ComparisonPlan()
"""No model is kept, and training never ends early."""


@dataclass(frozen=True)
class Best:
    """The best value of a number so far.

    Attributes:
        number: its name.
        value: the value.
        step: the step of that validation.
        waited: validations since.
    """

    number: str
    value: float
    step: int
    waited: int = 0

    def is_below(self, value: float, least_gain: float = 0.0) -> bool:
        """Return whether another value is better, by more than a gain; NaN never is."""
        gain = value - self.value if is_higher_better(self.number) else self.value - value
        return gain > least_gain


class Comparison:
    """Compares a training's validations.

    Args:
        plan: how.
    """

    def __init__(self, plan: ComparisonPlan):
        self.plan = plan
        self.best: Best | None = None
        self._last_gain: Best | None = None

    @property
    def ends_with_best(self) -> bool:
        """Whether the result of the training is its best model instead of its last."""
        return self.plan.stopping is not None and self.best is not None

    @property
    def has_stopped(self) -> bool:
        """Whether training ends after the last validation."""
        last, stopping = self._last_gain, self.plan.stopping
        return last is not None and stopping is not None and last.waited >= stopping.patience

    @property
    def why_stopped(self) -> str:
        """Why training ends early, in words."""
        last = self._last_gain
        assert last is not None
        return (
            f"stopped early: {last.number} has not improved in {last.waited} validations, "
            f"it was best at step {last.step}: {last.value:.6g}"
        )

    def see(self, step: int, numbers: Mapping[str, float], keep: Callable[[], None]) -> str | None:
        """Compare a validation with those before.

        Args:
            step: its step.
            numbers: what was measured.
            keep: called to keep the model if it is the best; if it fails, nothing has been seen.

        Returns:
            If it is the best, a line that says so.

        Raises:
            PatinaError: a number to compare is not measured.
        """
        if step <= self.plan.after:
            return None
        told = None
        if self.plan.best is not None:
            best = _updated(self.best, self.plan.best, step, numbers)
            if best.step == step:
                keep()
                before = f", {self.best.value:.6g} at step {self.best.step} before" if self.best else ""
                told = f"best model so far: {best.number} {best.value:.6g}{before}"
            self.best = best
        if (stopping := self.plan.stopping) is not None:
            self._last_gain = _updated(self._last_gain, stopping.number, step, numbers, stopping.least_gain)
        return told

    def forget_best(self) -> None:
        """Forget the best model, whose file is not there any more."""
        self.best = None

    def state(self) -> dict[str, Any]:
        """Return the state that a resumed run needs."""
        return {name: asdict(best) for name, best in (("best", self.best), ("last_gain", self._last_gain)) if best}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned; values of another number than the plan's are left out.

        Raises:
            Malformed: these are other values.
        """
        found = typed(dict[str, Best], state)
        stopping = self.plan.stopping
        self.best = _of(found.get("best"), self.plan.best)
        self._last_gain = _of(found.get("last_gain"), stopping.number if stopping else None)


def _of(best: Best | None, number: str | None) -> Best | None:
    return best if best is not None and best.number == number else None


def _updated(best: Best | None, number: str, step: int, numbers: Mapping[str, float], least_gain: float = 0.0) -> Best:
    if number not in numbers:
        raise PatinaError(f"step {step}: the validation measured {', '.join(numbers)}, expected {number} to compare")
    value = numbers[number]
    worst = float("-inf") if is_higher_better(number) else float("inf")
    if best is None:
        return Best(number, worst if value != value else value, step)
    if best.is_below(value, least_gain):
        return Best(number, value, step)
    return Best(number, best.value, best.step, best.waited + 1)
