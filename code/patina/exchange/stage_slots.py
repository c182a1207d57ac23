"""A recipe's operations, sorted into the two stages of a second-order degradation."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from patina.degradations.base import Block
from patina.degradations.blocks import OneOf, Shuffle
from patina.degradations.recipe import Recipe
from patina.exchange.conversion import Remarks

ORDER = {"sharpen": 0, "blur": 1, "resize": 2, "noise": 3, "jpeg": 4}
"""Places of a stage, in the order in which a stage applies them; a sharpening begins the first one only."""

FAMILIES = {
    "gaussian_blur": "blur", "ellipse_blur": "blur", "lens_blur": "blur", "box_blur": "blur", "sinc": "blur",
    "resize": "resize", "down_up": "resize", "gaussian_noise": "noise", "uniform_noise": "noise",
    "correlated_noise": "noise", "sensor_noise": "noise", "poisson_noise": "noise", "jpeg": "jpeg",
    "jpeg_tables": "jpeg", "unsharp_mask": "sharpen",
}  # fmt: skip
"""The place of every operation that has one."""

_IDLE = {"unsharp_mask": "amount", "bilateral": "strength", "gaussian_noise": "sigma", "sensor_noise": "sigma"}
"""Operations that do nothing where a number is 0; fitted recipes have such."""

Position = tuple[int, int]
"""Number of the stage, and place in it."""

BEGINNING: Position = (1, -1)


@dataclass(frozen=True)
class Slotted:
    """An operation in its place.

    Attributes:
        weight: probability that an image gets it.
        block: the operation.
    """

    weight: float
    block: Any


@dataclass
class Slots:
    """The operations of a recipe by stage and place, and at the end the last sinc filter and resize.

    Attributes:
        profiles: largest number of whole chains that the recipe chooses from.
    """

    remarks: Remarks
    found: dict[tuple[int, str], list[Slotted]] = field(default_factory=dict)
    profiles: int = 1

    def at(self, stage: int, place: str) -> list[Slotted]:
        """Return the operations of a place; stage 3 holds the last "blur" and "resize"."""
        return self.found.get((stage, place), [])

    def add(self, stage: int, place: str, weight: float, block: Any) -> None:
        """Put an operation into its place."""
        self.found.setdefault((stage, place), []).append(Slotted(weight, block))

    def walk(self, steps: Sequence[Block], start: Position, weight: float) -> Position:
        """Sort steps in; return the position after them."""
        position = start
        for step in steps:
            share = weight * step.probability
            if isinstance(step, OneOf):
                position = self._choices(step, position, share)
            elif isinstance(step, Shuffle):
                self.remarks.add("shuffle: the written order instead of a random one")
                position = self.walk(step.steps, position, share)
            else:
                position = self._operation(step, position, share)
        return position

    def _choices(self, block: OneOf, start: Position, weight: float) -> Position:
        whole = sum(choice.weight for choice in block.choices)
        if start == BEGINNING and any(len(choice.steps) > 1 for choice in block.choices):
            self.profiles = max(self.profiles, len(block.choices))
        ends = [self.walk(choice.steps, start, weight * choice.weight / whole) for choice in block.choices]
        return max([start, *ends])

    def _operation(self, step: Any, before: Position, weight: float) -> Position:
        place = FAMILIES.get(step.name)
        if step.name in _IDLE and getattr(step, _IDLE[step.name])[1] == 0:
            return before
        if place is None or (place == "sharpen" and before != BEGINNING):
            self.remarks.lost(step.name)
            return before
        to_target = place == "resize" and (step.name == "down_up" or step.of == "target")
        if step.name == "down_up" and before < (1, ORDER["resize"]):
            self.add(1, "resize", weight, step)
        if (to_target or place == "blur") and before >= (2, ORDER["resize"]):
            return self._last(step, place, before, weight)
        stage = before[0] if ORDER[place] > before[1] else before[0] + 1
        stage = max(stage, 2) if to_target else stage
        if stage > 2:
            self.remarks.lost(f"{step.name} after the second stage")
            return before
        if step.name != "down_up":
            self.add(stage, place, weight, step)
        return stage, ORDER[place]

    def _last(self, step: Any, place: str, before: Position, weight: float) -> Position:
        """Note the last resize and sinc filter, which have no place in a stage."""
        if place == "resize" or step.name == "sinc":
            self.add(3, place, weight, step)
        else:
            self.remarks.lost(f"{step.name} after the last resize")
        return before


def slots_of(recipe: Recipe, remarks: Remarks) -> Slots:
    """Sort a recipe's operations; variants count as equally frequent chains."""
    slots = Slots(remarks)
    names = recipe.names
    if len(names) > 1:
        remarks.add(f"variants: taken for {len(names)} equally frequent chains")
        slots.profiles = len(names)
    for name in names:
        slots.walk([step for _, step in recipe.sequence(name)], BEGINNING, 1 / len(names))
    return slots
