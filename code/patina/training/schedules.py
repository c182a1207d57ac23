"""Learning rates as functions of the step, so that a resumed run needs no scheduler state."""

from collections.abc import Callable, Sequence

Schedule = Callable[[int], float]
"""Learning rate at a training step, counted from 1."""


def halved_at(learning_rate: float, milestones: Sequence[int]) -> Schedule:
    """Return the schedule that halves `learning_rate` after each milestone step."""

    def schedule(step: int) -> float:
        return learning_rate * 0.5 ** sum(step > milestone for milestone in milestones)

    return schedule
