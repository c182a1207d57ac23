"""Learning-rate schedules as functions of the step, so that a resumed run needs no scheduler state."""

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import accumulate

Schedule = Callable[[int], float]
"""Learning rate at a training step, counted from 1."""


def multi_step(learning_rate: float, milestones: Sequence[int]) -> Schedule:
    """Return MultiStepLR with gamma 0.5: `learning_rate` is halved after every milestone step."""

    def schedule(step: int) -> float:
        return learning_rate * 0.5 ** sum(step > milestone for milestone in milestones)

    return schedule


def cosine(
    learning_rate: float, periods: Sequence[int], restart_weights: Sequence[float] = (), lowest: float = 0.0
) -> Schedule:
    """Return cosine annealing with restarts (Loshchilov and Hutter, "SGDR", 2017, equation 5).

    Args:
        learning_rate: learning rate at the first step.
        periods: steps from one restart to the next; after the last period the learning rate is constant.
        restart_weights: factor of `learning_rate` for every period; all 1 if empty.
        lowest: learning rate at the end of every period.
    """
    ends = list(accumulate(periods))
    weights = list(restart_weights) or [1.0] * len(ends)

    def schedule(step: int) -> float:
        period = min(bisect_left(ends, step), len(ends) - 1)
        done = min(step - 1 - (ends[period] - periods[period]), periods[period])
        return (
            lowest + weights[period] * (learning_rate - lowest) * (1 + math.cos(math.pi * done / periods[period])) / 2
        )

    return schedule


def warmed_up(schedule: Schedule, steps: int) -> Schedule:
    """Return `schedule` with linear warm-up during the first `steps`."""
    if not steps:
        return schedule
    return lambda step: schedule(step) * min(step / steps, 1.0)


def delayed(schedule: Schedule, steps: int) -> Schedule:
    """Return a schedule that begins after a number of steps."""
    return lambda step: schedule(max(step - steps, 1))
