"""Patch sizes that change with the training step."""

from bisect import bisect_right
from collections.abc import Mapping


class PatchSizes:
    """Sides of the ground-truth patches by training step.

    Args:
        sizes: one side for all steps, or the sides by the step that each begins at, the first of them 1.
    """

    def __init__(self, sizes: int | Mapping[int, int]):
        changes = {1: sizes} if isinstance(sizes, int) else dict(sorted(sizes.items()))
        if next(iter(changes), None) != 1:
            raise ValueError("the first patch size begins at step 1")
        self._steps, self._sides = list(changes), list(changes.values())

    def at(self, step: int) -> int:
        """Return the side at `step`, counted from 1."""
        return self._sides[bisect_right(self._steps, step) - 1]

    @property
    def all(self) -> list[int]:
        """Every side, in the order of their steps."""
        return self._sides

    @property
    def largest(self) -> int:
        """The largest side."""
        return max(self._sides)
