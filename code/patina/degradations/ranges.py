"""Settings that are drawn anew for every picture: ranges of numbers, and kinds with weights."""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, BeforeValidator, Field

from patina.settings import nearest

Range = tuple[float, float]
"""The lowest and the highest value; in a file a single number stands for both."""

Probability = Annotated[float, Field(ge=0, le=1)]


def real_range(low: float = -math.inf, high: float = math.inf) -> Any:
    """Return the type of a range of real numbers inside ``[low, high]``."""
    written = _written(Annotated[float, Field(ge=low, le=high)])
    return Annotated[Range, BeforeValidator(_ends, written), AfterValidator(partial(_inside, low, high))]


def whole_range(low: int, high: int) -> Any:
    """Return the type of a range of whole numbers inside ``[low, high]``."""
    written = _written(Annotated[int, Field(ge=low, le=high)])
    return Annotated[
        tuple[int, int],
        BeforeValidator(_ends),
        BeforeValidator(_whole, written),
        AfterValidator(partial(_inside, low, high)),
    ]


def odd_range(low: int, high: int) -> Any:
    """Return the type of a range of odd numbers, such as the side of a kernel."""
    return Annotated[whole_range(low, high), AfterValidator(_odd)]


def kinds(known: Sequence[str], what: str) -> Any:
    """Return the type of a choice among `known` names: one name, a list, or weights by name."""
    name = Literal[tuple(known)]
    written = name | list[name] | dict[name, float]
    return Annotated[dict[str, float], BeforeValidator(partial(_weights, tuple(known), what), written)]


def _written(number: Any) -> Any:
    """Return the type of a range as files have it, for JSON schemas."""
    return number | tuple[number, number]


def draw_real(rng: np.random.Generator, ends: Range) -> float:
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


def _ends(value: Any) -> Any:
    values = list(value) if isinstance(value, list | tuple) else [value, value]
    if len(values) != 2 or not all(_is_number(each) for each in values):
        raise ValueError(f"expected a number or a range [low, high], found {value!r}")
    if values[0] > values[1]:
        raise ValueError(f"the range {values} is upside down, expected {values[::-1]}")
    return tuple(values)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _inside(low: float, high: float, ends: Range) -> Range:
    if ends[0] < low or ends[1] > high:
        if math.isinf(high):
            raise ValueError(f"expected {low:g} or more, found {_shown(ends)}")
        raise ValueError(f"expected {low:g} to {high:g}, found {_shown(ends)}")
    return ends


def _shown(ends: Range) -> str:
    return f"{ends[0]:g}" if ends[0] == ends[1] else f"[{ends[0]:g}, {ends[1]:g}]"


def _whole(value: Any) -> Any:
    if any(each != int(each) for each in _ends(value)):
        raise ValueError(f"expected whole numbers, found {value!r}")
    return value


def _odd(ends: tuple[int, int]) -> tuple[int, int]:
    if not (ends[0] % 2 and ends[1] % 2):
        raise ValueError(f"expected odd numbers, found {_shown(ends)}")
    return ends


def _weights(known: tuple[str, ...], what: str, value: Any) -> dict[str, float]:
    if isinstance(value, str):
        value = [value]
    weights = value if isinstance(value, dict) else dict.fromkeys(value, 1.0) if isinstance(value, list) else None
    if not weights:
        raise ValueError(f"expected a {what}, a list of them or weights by name, found {value!r}")
    for name, weight in weights.items():
        if name not in known:
            raise ValueError(f"there is no {what} {name!r}, {nearest(str(name), known)}")
        if not _is_number(weight) or weight < 0:
            raise ValueError(f"the weight of {name} is {weight!r}, expected a number from 0 up")
    if sum(weights.values()) <= 0:
        raise ValueError(f"all weights are 0, expected at least one {what} above 0")
    return weights
