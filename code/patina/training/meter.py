"""The numbers of a training between two lines of its log."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from pydantic import Field

from patina.system.typed_values import typed


@dataclass(frozen=True)
class _Sums:
    steps: Annotated[int, Field(ge=1)]
    seconds: Annotated[float, Field(gt=0)]
    sums: dict[str, float]


class Meter:
    """Averages the logged numbers since the last log line, and measures the speed.

    Attributes:
        steps: number of steps added since.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start new averages after a log line."""
        self.steps, self._sums, self._began = 0, dict[str, float](), time.perf_counter()

    def add(self, values: dict[str, float]) -> None:
        """Add the numbers of a step."""
        self.steps += 1
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + value

    def means(self) -> dict[str, float]:
        """Return the means and ``steps_per_second``; there must be a step."""
        means = {name: total / self.steps for name, total in self._sums.items()}
        return means | {"steps_per_second": self.steps / (time.perf_counter() - self._began)}

    def join(self, from_all: Callable[[dict[str, float]], list[dict[str, float]]]) -> None:
        """Replace the numbers of this process by the mean of all processes', because rank 0 alone saves them.

        Args:
            from_all: returns the values of all processes; called by all or by none.
        """
        if self.steps:
            self._sums = mean_of_all(from_all(self._sums))

    def state(self) -> dict[str, Any]:
        """Return the state that a resumed run needs; empty directly after a line of the log."""
        if not self.steps:
            return {}
        return asdict(_Sums(self.steps, time.perf_counter() - self._began, self._sums))

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned.

        Raises:
            Malformed: these are other values.
        """
        self.reset()
        if state:
            found = typed(_Sums, state)
            self.steps, self._sums, self._began = found.steps, found.sums, self._began - found.seconds


def mean_of_all(numbers: list[dict[str, float]]) -> dict[str, float]:
    """Return the means of the processes' numbers."""
    return {name: sum(own[name] for own in numbers) / len(numbers) for name in numbers[0]}
