"""Reports the speed of a training: once soon after the start and, without a progress bar, every 30 seconds."""

import time
from collections.abc import Callable

from patina.system.progress import LINE_EVERY, time_left

SOON = 10.0
"""Seconds until the first estimate."""

_WARM_UP, _FEWEST = 1, 3
"""Steps that are not timed, because they include preparations; timed steps that an estimate needs."""


class Pace:
    """Watches the steps of a training.

    Args:
        name: the training's name.
        steps: its number of steps.
        step: the step from which it continues.
        has_bar: whether a bar shows the progress.
        say: prints a line.
        now: the clock, in seconds.
    """

    def __init__(
        self,
        name: str,
        steps: int,
        step: int,
        has_bar: bool,
        say: Callable[[str], None],
        now: Callable[[], float] = time.monotonic,
    ):
        self._name, self._steps, self._first, self._has_bar, self._say, self._now = name, steps, step, has_bar, say, now
        self._told = self._began = now()
        self._is_expected = False

    def heard(self) -> None:
        """Note that a line with numbers was printed, so that the next report waits its full time."""
        self._told = self._now()

    def after(self, step: int) -> None:
        """Report after a step, if it is time: the remaining time, or the progress."""
        done, now = step - self._first - _WARM_UP, self._now()
        if done <= 0:
            self._began = now
            return
        if step >= self._steps:
            return
        speed = done / max(now - self._began, 1e-6)
        left = time_left(self._steps - step, speed)
        if not self._is_expected and done >= _FEWEST and now - self._began >= SOON:
            self._is_expected = True
            self._tell(f"{self._name}: about {left} at {speed:.3g} steps per second")
        elif not self._has_bar and now - self._told >= LINE_EVERY:
            self._tell(f"{self._name}, step {step} of {self._steps}, {left} left: {speed:.3g} steps per second")

    def _tell(self, line: str) -> None:
        self._say(line)
        self.heard()
