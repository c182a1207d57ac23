"""Settings drawn anew for every picture: ranges of numbers, and kinds with weights.

A range is annotated with its limits, ``sigma: Annotated[RealRange, Between(0.05, 50)]``; they appear in JSON schemas.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, BeforeValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from patina.hints import nearest

Probability = Annotated[float, Field(ge=0, le=1)]


def draw_real(rng: np.random.Generator, ends: tuple[float, float]) -> float:
    """Draw uniformly from a range."""
    return float(rng.uniform(*ends))


def draw_whole(rng: np.random.Generator, ends: tuple[int, int]) -> int:
    """Draw a whole number, both ends included."""
    return int(rng.integers(ends[0], ends[1] + 1))


def draw_odd(rng: np.random.Generator, ends: tuple[int, int]) -> int:
    """Draw an odd number, both (odd) ends included."""
    return 2 * draw_whole(rng, (ends[0] // 2, ends[1] // 2)) + 1


def draw_kind(rng: np.random.Generator, weights: Mapping[str, float]) -> str:
    """Draw a name by its weight."""
    names = list(weights)
    return names[draw_index(rng, [weights[name] for name in names])]


def draw_index(rng: np.random.Generator, weights: Sequence[float]) -> int:
    """Draw a position by its weight."""
    edges = np.cumsum(weights)
    return int(np.searchsorted(edges, rng.random() * edges[-1], side="right"))


def _ends(value: Any) -> tuple[float, float]:
    values = list(value) if isinstance(value, list | tuple) else [value, value]
    if len(values) != 2 or not all(_is_number(end) for end in values):
        raise ValueError(f"expected a number or a range [low, high], found {value!r}")
    low, high = values
    if low > high:
        raise ValueError(f"the range {values} has its ends swapped, expected {[high, low]}")
    return low, high


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _whole_ends(value: Any) -> tuple[float, float]:
    ends = _ends(value)
    if any(end != int(end) for end in ends):
        raise ValueError(f"expected whole numbers, found {value!r}")
    return ends


def _odd(ends: tuple[int, int]) -> tuple[int, int]:
    if not (ends[0] % 2 and ends[1] % 2):
        raise ValueError(f"expected odd numbers, found {_shown(ends)}")
    return ends


def _shown(ends: tuple[float, float]) -> str:
    return f"{ends[0]:g}" if ends[0] == ends[1] else f"[{ends[0]:g}, {ends[1]:g}]"


RealRange = Annotated[tuple[float, float], BeforeValidator(_ends, json_schema_input_type=float | tuple[float, float])]
"""Lowest and highest value; a file may give a single number for both."""

WholeRange = Annotated[tuple[int, int], BeforeValidator(_whole_ends, json_schema_input_type=int | tuple[int, int])]
"""A range of whole numbers."""

OddRange = Annotated[WholeRange, AfterValidator(_odd)]
"""A range of odd numbers, e.g. for the side of a kernel."""

Weights = dict[str, float]
"""Relative frequencies of the kinds of a choice, by name."""


@dataclass(frozen=True)
class Between:
    """Inclusive limits of a range."""

    low: float
    high: float

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return self._limited(handler(schema))

    def _checked(self, ends: tuple[float, float]) -> tuple[float, float]:
        if ends[0] < self.low or ends[1] > self.high:
            raise ValueError(f"expected {self.low:g} to {self.high:g}, found {_shown(ends)}")
        return ends

    def _limited(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Add the limits to every number of a JSON schema."""
        if schema.get("type") in ("number", "integer"):
            return schema | {"minimum": self.low, "maximum": self.high}
        lists = {key: schema[key] for key in ("anyOf", "prefixItems") if key in schema}
        return schema | {key: [self._limited(inside) for inside in parts] for key, parts in lists.items()}


@dataclass(frozen=True)
class Among:
    """Kinds to choose from; a file gives one name, a list of names, or weights by name."""

    known: tuple[str, ...]
    what: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._weights, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        name = {"enum": list(self.known)}
        by_name = {"propertyNames": name, "additionalProperties": {"type": "number", "minimum": 0}}
        return {
            "anyOf": [
                name,
                {"type": "array", "items": name, "minItems": 1},
                {"type": "object", **by_name, "minProperties": 1},
            ]
        }

    def _weights(self, value: Any) -> Weights:
        if isinstance(value, str):
            value = [value]
        if isinstance(value, list) and all(isinstance(name, str) for name in value):
            value = dict.fromkeys(value, 1.0)
        weights = value if isinstance(value, dict) else None
        if not weights:
            raise ValueError(f"expected a {self.what}, a list of them or weights by name, found {value!r}")
        for name, weight in weights.items():
            if name not in self.known:
                raise ValueError(f"unknown {self.what} {name!r}, {nearest(str(name), self.known)}")
            if not _is_number(weight) or weight < 0:
                raise ValueError(f"the weight of {name} is {weight!r}, expected a number of at least 0")
        if sum(weights.values()) <= 0:
            raise ValueError(f"all weights are 0, expected at least one {self.what} with a positive weight")
        return weights


def draw_photo(photo_knobs: Mapping[str, Sequence[float]], rng: np.random.Generator) -> dict[str, float]:
    """Draw the knobs of one photo; all of them are the same photo's."""
    if not photo_knobs:
        return {}
    place = int(rng.integers(len(next(iter(photo_knobs.values())))))
    return {name: float(values[place]) for name, values in photo_knobs.items()}
