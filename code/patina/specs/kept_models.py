"""What validations are compared for: settings of the models that are kept, and of ending a training early."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from patina.settings import PositiveInt, Settings

if TYPE_CHECKING:
    from patina.training.best_model import ComparisonPlan


class KeepSettings(Settings):
    """Which models stay in `models/`, beside `final.safetensors`."""

    best: str | None = None
    """Number of the validations by which the best model is kept as `best.safetensors`: `psnr`, or `NAME/psnr` for a
    named validation set. null: none, unless `early_stopping` needs one."""

    last: PositiveInt | None = None
    """Number of models of steps kept; older ones are deleted. null: all."""


class EarlyStoppingSettings(Settings):
    """End the training when a number of the validations no longer improves; `final.safetensors` is the best model."""

    metric: str | None = None
    """The number, e.g. `psnr`, or `NAME/psnr` for a named validation set. null: that of `keep.best`, else the task's
    first (`psnr`, `nll_real`, `reconstruction_real` or `loss_real`)."""

    patience: PositiveInt = 10
    """Number of validations without improvement after which training ends."""

    least_gain: Annotated[float, Field(ge=0)] = 0.0
    """Smallest gain that counts as an improvement, in the number's unit (dB for PSNR)."""


class ComparisonSettings(Settings):
    """What the validations are compared for."""

    keep: KeepSettings = KeepSettings()
    """Which models are kept."""

    early_stopping: EarlyStoppingSettings | None = None
    """When to stop early. null: train all steps."""

    def require_numbers(self, place: str, numbers: Sequence[str]) -> None:
        """Make sure that what is compared is measured.

        Args:
            place: key of these settings.
            numbers: names of what validations measure.

        Raises:
            ValueError: it is not.
        """
        stopping = self.early_stopping
        if stopping and not numbers:
            raise ValueError(
                f"{place}.early_stopping needs a validation set; add `validation`, or set early_stopping: null"
            )
        asked = {"keep.best": self.keep.best, "early_stopping.metric": stopping.metric if stopping else None}
        for key, number in asked.items():
            if number is not None and number not in numbers:
                expected = f"one of {', '.join(numbers)}" if numbers else "a validation set; add `validation`"
                raise ValueError(f"{place}.{key} is {number}, expected {expected}")

    def comparison_plan(self, numbers: Sequence[str], after: int = 0) -> "ComparisonPlan":
        """Return how validations are compared.

        Args:
            numbers: names of what they measure, the default one first.
            after: the last step whose validation is not compared.
        """
        from patina.training.best_model import ComparisonPlan, StoppingPlan

        best, stopping = self.keep.best, self.early_stopping
        if stopping is None:
            return ComparisonPlan(best, after=after)
        number = stopping.metric or best or numbers[0]
        return ComparisonPlan(best or number, StoppingPlan(number, stopping.patience, stopping.least_gain), after=after)
