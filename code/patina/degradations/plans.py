"""Plans: what is drawn for one picture, as values that can be logged and done again."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from patina.degradations.base import BlockGroup, Frame, Parameters, PlacedBlock
from patina.seeding import derive, numpy_rng


@dataclass(frozen=True, eq=False)
class Step:
    """One thing that is done to one picture; steps of equal content are equal.

    Attributes:
        op: the operation's name.
        parameters: what was drawn.
        key: seed of the noise inside.
    """

    op: str
    parameters: Parameters
    key: int

    @cached_property
    def text(self) -> str:
        """The step as JSON."""
        return json.dumps(self.to_dict(), sort_keys=True)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Step) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {"op": self.op, "parameters": self.parameters, "key": self.key}


Plan = tuple[Step, ...]
"""All that is done to one picture, in order."""


def draw_blocks(blocks: Sequence[PlacedBlock], frame: Frame, seed: int, name: str) -> tuple[Plan, Frame]:
    """Draw what some of a recipe's blocks do to a picture; return also the sizes behind them.

    Args:
        blocks: as from `Recipe.sequence`.
        frame: the picture's sizes before them.
        seed: of the whole set.
        name: of the picture.
    """
    plan: list[Step] = []
    for place, block in blocks:
        rng = numpy_rng(seed, "recipe", name, place)
        if rng.random() >= block.probability:
            continue
        if isinstance(block, BlockGroup):
            drawn, frame = draw_blocks(block.drawn(rng, place), frame, seed, name)
            plan += drawn
        else:
            parameters = block.draw(rng, frame)
            frame = frame.resized(tuple(parameters["size"])) if "size" in parameters else frame
            plan.append(Step(block.name, parameters, derive(seed, "noise", name, place)))
    return tuple(plan), frame


def unfolded(blocks: Sequence[PlacedBlock], seed: int, name: str) -> list[PlacedBlock]:
    """Return a sequence with the operations that choices and shuffles draw in place of these.

    Args:
        blocks, seed, name: as in `draw_blocks`.
    """
    found: list[PlacedBlock] = []
    for place, block in blocks:
        rng = numpy_rng(seed, "recipe", name, place)
        if isinstance(block, BlockGroup) and rng.random() < block.probability:
            found += unfolded(block.drawn(rng, place), seed, name)
        else:
            found.append((place, block))
    return found
