"""Recipe blocks other than classical operations: learned models, choices and shuffles."""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field, PrivateAttr, ValidationError, WithJsonSchema, model_validator

from patina.degradations.base import (
    Block,
    BlockGroup,
    Factors,
    Frame,
    Parameters,
    PlacedBlock,
    SingleBlock,
    Size,
    assignments,
)
from patina.degradations.knobs import known_knobs
from patina.degradations.operations import OPERATIONS
from patina.degradations.ranges import RealRange, draw_index, draw_photo, draw_real
from patina.hints import nearest
from patina.settings import Schema, Settings, as_list, either
from patina.settings_problems import describe_problems

OPERATION = "operation"
"""The format of a JSON schema that stands for any block, since blocks nest."""


class LearnedBlock(SingleBlock):
    """A trained model; every key other than `model` and `probability` is one of its knobs, a number or a range."""

    name = "learned"
    family = "noise"

    model: Path
    """Model file."""

    knobs: dict[str, RealRange] = Field({})
    """Knobs by name, written beside `model`: `heat` (DeFlow), `noise_level`, `temperature` and `detail` (LUD-VAE),
    `strength`, `steps` and `eta` (LUD-DIF). Omitted knobs take the model's default."""

    _photos: Mapping[str, Sequence[float]] = PrivateAttr(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _other_keys_are_knobs(cls, values: Any) -> Any:
        if not isinstance(values, dict) or "knobs" in values:
            return values
        own = {name: value for name, value in values.items() if name in cls.model_fields}
        return {**own, "knobs": {name: value for name, value in values.items() if name not in own}}

    @classmethod
    def as_written(cls, schema: Schema) -> Schema:
        """Allow knobs beside `model`."""
        spans = schema["properties"]["knobs"]["additionalProperties"]
        knobs = {knob.name: {**spans, "description": knob.help} for knob in known_knobs()}
        return {**schema, "properties": schema["properties"] | knobs}

    @property
    def files(self) -> list[Path]:
        """The model file."""
        return [self.model]

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw the knobs."""
        knobs = draw_photo(self._photos, rng) | {name: draw_real(rng, ends) for name, ends in self.knobs.items()}
        return {"model": str(self.model), "knobs": knobs}

    @classmethod
    def describe(cls, parameters: Parameters, size: Size) -> str:
        """Describe the knobs drawn."""
        return f"{cls.family}: {' '.join([cls.name, *assignments(parameters['knobs'])])}"

    def completed(self, knobs: Mapping[str, RealRange], photos: Mapping[str, Sequence[float]]) -> "LearnedBlock":
        """Return the block with its model's values for the knobs that it leaves out.

        Args:
            knobs: the model's own knobs.
            photos: knobs as the real photos have them, an entry per photo; each image draws one photo's.
        """
        block = self.model_copy(update={"knobs": {**knobs, **self.knobs}})
        block._photos = {name: values for name, values in photos.items() if name not in self.knobs}
        return block

    def at_end(self, strongest: bool) -> "LearnedBlock":
        """Fix every knob at its low or high end."""
        ends = {name: (min(values), max(values)) for name, values in self._photos.items()} | self.knobs
        knobs = {name: (pair[strongest],) * 2 for name, pair in ends.items()}
        return self.model_copy(update={"knobs": knobs, "probability": 1.0})


def known_blocks() -> dict[str, type[Block]]:
    """Return all blocks by name: classical operations in alphabetical order, then the others."""
    return {**dict(sorted(OPERATIONS.items())), **{block.name: block for block in (LearnedBlock, OneOf, Shuffle)}}


def parse_block(value: Any) -> Block:
    """Turn ``{operation: settings}`` into its block.

    Raises:
        ValueError: unknown operation or invalid settings; the message names them.
    """
    if isinstance(value, Block):
        return value
    if isinstance(value, str):
        value = {value: None}
    if not isinstance(value, dict) or len(value) != 1:
        found = ", ".join(map(str, value)) if isinstance(value, dict) else repr(value)
        raise ValueError(f"expected one operation with its settings, found {found}")
    [(name, settings)] = value.items()
    known = known_blocks()
    if name not in known:
        raise ValueError(f"unknown operation {name!r}, {nearest(str(name), known)}")
    try:
        return known[name].model_validate({} if settings is None else settings)
    except ValidationError as error:
        told = describe_problems(error, known[name])
        raise ValueError(f"{name}: {told}" if told.startswith("expected") else f"{name}.{told}") from None


BlockByName = Annotated[
    Block,
    BeforeValidator(parse_block),
    WithJsonSchema({"type": ["object", "string"], "format": OPERATION, "minProperties": 1, "maxProperties": 1}),
]
"""A block as written in recipes, ``{operation: settings}``; its JSON schema lists no operations, as blocks nest."""

BlockList = Annotated[tuple[BlockByName, ...], BeforeValidator(as_list)]
Steps = Annotated[BlockList, Field(min_length=1)]


class Choice(Settings):
    """One alternative of `one_of`; a bare operation is a choice of weight 1."""

    weight: Annotated[float, Field(gt=0)] = 1.0
    """How often it is chosen, relative to the others."""

    steps: BlockList
    """Operations applied in order; may be empty."""

    @classmethod
    def as_written(cls, schema: Schema) -> Schema:
        """Allow a bare operation."""
        return either(schema, {"format": OPERATION})


def _weighted(value: Any) -> Any:
    """Turn a bare block into a choice of weight 1."""
    is_block = isinstance(value, str) or (isinstance(value, dict) and len(value) == 1 and "steps" not in value)
    return {"steps": [value]} if is_block else value


class OneOf(BlockGroup):
    """One of several lists of operations, drawn by weight."""

    name = "one_of"

    choices: Annotated[tuple[Annotated[Choice, BeforeValidator(_weighted)], ...], Field(min_length=1)]
    """The alternatives."""

    def drawn(self, rng: np.random.Generator, place: str) -> list[PlacedBlock]:
        """Draw one of the choices."""
        chosen = draw_index(rng, [choice.weight for choice in self.choices])
        return _numbered(self.choices[chosen].steps, f"{place}.{chosen}")

    def changed(self, change: Callable[[Block], Block | None]) -> "OneOf":
        """Apply `change` to the blocks of every choice."""
        return self._with_steps(lambda steps: replaced(steps, change))

    def factors(self, before: Factors, scale: int) -> Factors:
        """Return the range that covers all choices."""
        return _hull([in_order(choice.steps, before, scale) for choice in self.choices])

    def at_end(self, strongest: bool) -> "OneOf":
        """Fix the ranges in every choice at one end."""
        closed = self._with_steps(lambda steps: tuple(step.at_end(strongest) for step in steps))
        return closed.model_copy(update={"probability": 1.0})

    def _with_steps(self, new: Callable[[tuple[Block, ...]], tuple[Block, ...]]) -> "OneOf":
        choices = tuple(choice.model_copy(update={"steps": new(choice.steps)}) for choice in self.choices)
        return self.model_copy(update={"choices": choices})


class Shuffle(BlockGroup):
    """Operations applied in random order."""

    name = "shuffle"

    steps: Steps
    """The operations."""

    resizes_in_order: bool = False
    """Preserve the written order among operations that change the size."""

    def drawn(self, rng: np.random.Generator, place: str) -> list[PlacedBlock]:
        """Draw the order."""
        steps = _numbered(self.steps, place)
        return [steps[index] for index in self._order(rng.permutation(len(steps)).tolist())]

    def _order(self, permutation: list[int]) -> list[int]:
        """Return `permutation`; with `resizes_in_order`, blocks that change the size swap into their written order."""
        if not self.resizes_in_order:
            return permutation
        resizing = [index for index in permutation if changes_size(self.steps[index])]
        ordered = iter(sorted(resizing))
        return [next(ordered) if index in resizing else index for index in permutation]

    def changed(self, change: Callable[[Block], Block | None]) -> "Shuffle":
        """Apply `change` to the blocks."""
        return self.model_copy(update={"steps": replaced(self.steps, change)})

    def factors(self, before: Factors, scale: int) -> Factors:
        """Return the range that covers all orders of the blocks that change the size."""
        resizing = [step for step in self.steps if changes_size(step)]
        orders = [resizing] if self.resizes_in_order else itertools.permutations(resizing)
        return _hull([in_order(order, before, scale) for order in orders])

    def at_end(self, strongest: bool) -> "Shuffle":
        """Fix the ranges of every block at one end."""
        steps = tuple(step.at_end(strongest) for step in self.steps)
        return self.model_copy(update={"steps": steps, "probability": 1.0})


def in_order(steps: Iterable[Block], before: Factors, scale: int) -> Factors:
    """Return the smallest and largest possible size after all `steps` (see `factors` of the blocks)."""
    for step in steps:
        after = step.factors(before, scale)
        before = after if step.probability == 1 else _hull([before, after])
    return before


def changes_size(step: Block) -> bool:
    """Return whether a block may change the size of a picture."""
    return any(step.factors((size, size), 4) != (size, size) for size in (1.0, 0.3))


def replaced(steps: tuple[Block, ...], change: Callable[[Block], Block | None]) -> tuple[Block, ...]:
    """Apply `change` to every block in `steps`, inside groups too; blocks that it maps to None are dropped."""
    found = (step.changed(change) if isinstance(step, BlockGroup) else change(step) for step in steps)
    return tuple(step for step in found if step is not None)


def _numbered(steps: tuple[Block, ...], place: str) -> list[PlacedBlock]:
    return [(f"{place}.{index}", step) for index, step in enumerate(steps)]


def _hull(ranges: list[Factors]) -> Factors:
    return min(low for low, _ in ranges), max(high for _, high in ranges)
