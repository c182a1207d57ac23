"""The numbers of a training between two lines of its log."""

import time


class Meter:
    """Averages the logged numbers since the last log line, and measures the speed.

    Attributes:
        steps: number of steps added since.
    """

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self.steps = 0
        self._sums: dict[str, float] = {}
        self._began = time.perf_counter()

    def add(self, values: dict[str, float]) -> None:
        """Add the numbers of a step."""
        self.steps += 1
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + value

    def means(self) -> dict[str, float]:
        """Return the means and ``steps_per_second``, and begin anew."""
        means = {name: total / self.steps for name, total in self._sums.items()}
        means["steps_per_second"] = self.steps / (time.perf_counter() - self._began)
        self._reset()
        return means


def mean_of_all(numbers: list[dict[str, float]]) -> dict[str, float]:
    """Return the means of the processes' numbers."""
    return {name: sum(own[name] for own in numbers) / len(numbers) for name in numbers[0]}
