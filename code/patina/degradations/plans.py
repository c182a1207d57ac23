"""Plans: what was drawn for one picture, as values that can be logged and replayed."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from patina.degradations.base import Block, BlockGroup, Frame, Parameters, PlacedBlock, SingleBlock
from patina.seeding import derive, numpy_rng


@dataclass(frozen=True, eq=False)
class Step:
    """One operation on one picture; steps with equal contents are equal.

    Attributes:
        op: name of the operation.
        parameters: the parameters drawn.
        key: noise seed.
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
"""All steps for one picture, in order."""


def draw_blocks(blocks: Sequence[PlacedBlock], frame: Frame, seed: int, name: str) -> tuple[Plan, Frame]:
    """Draw the plan of a sequence of blocks for one picture; return it with the frame after it.

    Args:
        blocks: as from `Recipe.sequence`.
        frame: the picture's sizes before the sequence.
        seed: seed of the set.
        name: name of the picture.
    """
    plan: list[Step] = []
    for place, block, rng in applied(blocks, seed, name):
        parameters = block.draw(rng, frame)
        frame = frame.resized(tuple(parameters["size"])) if "size" in parameters else frame
        plan.append(Step(block.name, parameters, derive(seed, "noise", name, place)))
    return tuple(plan), frame


def applied(
    blocks: Sequence[PlacedBlock], seed: int, name: str
) -> Iterator[tuple[str, SingleBlock, np.random.Generator]]:
    """Yield the operations that are applied to a picture: place, block, and what its parameters are drawn with.

    Args:
        blocks, seed, name: as in `draw_blocks`.
    """
    for place, block, rng in _unfolded(blocks, seed, name):
        if isinstance(block, SingleBlock) and rng.random() < block.probability:
            yield place, block, rng


def unfolded(blocks: Sequence[PlacedBlock], seed: int, name: str) -> list[PlacedBlock]:
    """Return a sequence with choices and shuffles replaced by the operations they draw.

    Args:
        blocks, seed, name: as in `draw_blocks`.
    """
    return [(place, block) for place, block, _ in _unfolded(blocks, seed, name)]


def _unfolded(blocks: Sequence[PlacedBlock], seed: int, name: str) -> Iterator[tuple[str, Block, np.random.Generator]]:
    """Yield the blocks of `unfolded` with the generators of their draws; of groups, those that are not applied."""
    for place, block in blocks:
        rng = numpy_rng(seed, "recipe", name, place)
        if isinstance(block, BlockGroup) and rng.random() < block.probability:
            yield from _unfolded(block.drawn(rng, place), seed, name)
        else:
            yield place, block, rng
