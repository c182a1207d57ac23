"""The ranges of a recipe that sliders move: where each stands, its limits, and the recipe after a change.

Everything works on a recipe's plain values. In a fitted recipe every photo has a profile of its own; there a slider
moves the numbers of all profiles together, so that photos keep differing from each other.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from patina.degradations.blocks import known_blocks
from patina.errors import PatinaError
from patina.fitting.number_words import TITLES

Place = tuple[str | int, ...]
"""Keys and positions that lead to a value; ``"*"`` stands for every profile."""

Ends = tuple[float, float]

_NAMES = {"jpeg": "JPEG", "jpeg2000": "JPEG 2000", "webp": "WebP", "avif": "AVIF"}
"""Operations whose titles are more than their names with a capital letter."""

_ROOM = 2.5
"""A slider reaches so many times as far as the range that it moves, within the setting's limits."""

_NARROW = 12.0
"""Limits that are this close are the slider's own."""


@dataclass(frozen=True)
class TunableNumber:
    """A range that can be changed.

    Attributes:
        place: where it stands.
        ends: lowest and highest value, over all profiles.
        limits: that the operation allows.
        span: that the slider shows.
        whole: whether its values are whole numbers.
        help: what it is, from the setting's docstring.
        gentle: the value at its mild end; `harsh` at its strong one.
        harsh: see `gentle`.
    """

    place: Place
    ends: Ends
    limits: Ends
    span: Ends
    whole: bool
    help: str
    gentle: float
    harsh: float

    @property
    def key(self) -> str:
        """The place as text, which the page sends back."""
        return "/".join(map(str, self.place))

    @property
    def name(self) -> str:
        """The operation and its setting, e.g. ``sensor_noise.sigma``."""
        return ".".join([key for key in self.place if isinstance(key, str)][-2:])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for the page."""
        operation, setting = self.name.split(".")
        title, unit = TITLES.get(self.name, (setting.replace("_", " ").capitalize(), ""))
        return {
            "key": self.key,
            "name": self.name,
            "step": _NAMES.get(operation, operation.replace("_", " ").capitalize()),
            "group": "/".join(map(str, self.place[:-1])),
            "title": title,
            "unit": unit,
            "help": self.help,
            "ends": self.ends,
            "limits": self.limits,
            "span": self.span,
            "whole": self.whole,
        }


def tunable_numbers(values: Mapping[str, Any]) -> list[TunableNumber]:
    """Return the ranges of a recipe in the order of its steps.

    Args:
        values: a valid recipe, as plain values.
    """
    together: dict[Place, list[Ends]] = {}
    for place, ends in _found(values):
        together.setdefault(_shared(values, place), []).append(ends)
    return [_number(place, (min(low for low, _ in all_), max(high for _, high in all_)))
            for place, all_ in together.items()]  # fmt: skip


def with_changes(values: Mapping[str, Any], changes: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """Return a recipe with other ranges.

    The numbers of all profiles are moved from the old range to the new one, each in proportion.

    Args:
        values: the recipe.
        changes: lowest and highest values by `TunableNumber.key`.

    Raises:
        PatinaError: there is no such range, or a value is outside of its limits.
    """
    numbers = {number.key: number for number in tunable_numbers(values)}
    changed = copy.deepcopy(dict(values))
    for key, given in changes.items():
        if key not in numbers:
            raise PatinaError(f"the recipe has no range {key[:80]!r}; load the recipe again")
        number, ends = numbers[key], _checked(numbers[key], given)
        for place, old in _found(values):
            if _shared(values, place) == number.place:
                low, high = _moved(old, number.ends, ends)
                _set(changed, place, [round(low), round(high)] if number.whole else [_short(low), _short(high)])
    return changed


def at_end(values: Mapping[str, Any], number: TunableNumber, *, strongest: bool) -> dict[str, Any]:
    """Return a recipe with one number fixed at its mild or its strong end, in all profiles."""
    end = number.harsh if strongest else number.gentle
    changed = copy.deepcopy(dict(values))
    for place, _ in _found(values):
        if _shared(values, place) == number.place:
            _set(changed, place, [end, end])
    return changed


def has_profiles(values: Mapping[str, Any]) -> bool:
    """Whether a recipe is a fitted one, with a profile for every photo."""
    steps = values.get("steps")
    return bool(values.get("fitted")) and isinstance(steps, list) and len(steps) == 1 and "one_of" in steps[0]


def profile(values: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Return a fitted recipe with the profile of one photo alone."""
    changed = dict(values)
    choice = values["steps"][0]["one_of"]["choices"][number]
    changed["steps"] = [{"one_of": {"choices": [choice]}}]
    return changed


def _found(value: Any, place: Place = ()) -> Iterator[tuple[Place, Ends]]:
    """Yield every range in a recipe or a part of it."""
    if isinstance(value, list):
        for position, item in enumerate(value):
            yield from _found(item, (*place, position))
    elif isinstance(value, dict):
        for key, item in value.items():
            settings = _ranges_of(key)
            if settings and isinstance(item, dict):
                for name, given in item.items():
                    if name in settings and (ends := _ends(given)) is not None:
                        yield (*place, key, name), ends
            elif key != "weight":
                yield from _found(item, (*place, key))


def _ends(given: Any) -> Ends | None:
    """Return the ends of a range, or of a single number; None for anything else."""
    ends = list(given) if isinstance(given, list) else [given, given]
    if len(ends) != 2 or not all(isinstance(end, int | float) and not isinstance(end, bool) for end in ends):
        return None
    return float(ends[0]), float(ends[1])


@cache
def _ranges_of(operation: Any) -> dict[str, Any]:
    """Return the JSON schemas of an operation's ranges by their names; nothing for other keys of a recipe."""
    block = known_blocks().get(operation)
    if block is None or operation in ("one_of", "shuffle"):
        return {}
    properties = block.model_json_schema()["properties"]
    found = {name: _limits(schema) for name, schema in properties.items()}
    if operation == "learned":
        found |= {name: {"type": "number"} for name in ("heat", "noise_level", "temperature", "detail", "strength")}
    return {name: limits | {"help": properties.get(name, {}).get("description", "")}
            for name, limits in found.items() if limits}  # fmt: skip


def _limits(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of one end of a range; nothing for a setting that is no range."""
    options = schema.get("anyOf", [])
    is_range = any("prefixItems" in option for option in options)
    return next((dict(option) for option in options if "prefixItems" not in option), {}) if is_range else {}


def _number(place: Place, ends: Ends) -> TunableNumber:
    operation, setting = str(place[-2]), str(place[-1])
    schema = _ranges_of(operation)[setting]
    low, high = schema.get("minimum", 0.0), schema.get("maximum", max(10.0, 4 * ends[1]))
    whole = schema["type"] == "integer"
    reach = max(abs(end) for end in ends) * _ROOM or 1.0
    is_narrow = high - low <= _NARROW or setting == "quality"
    span = (low, high) if is_narrow else (max(low, min(0.0, -reach if low < 0 else low)), min(high, max(reach, 1.0)))
    gentle, harsh = _mild_and_strong(operation, setting, ends)
    return TunableNumber(place, ends, (low, high), span, whole, schema["help"], gentle, harsh)


def _mild_and_strong(operation: str, setting: str, ends: Ends) -> Ends:
    """Return which end of a range is the mild one, and which the strong one, as the operation has it."""
    kind = known_blocks()[operation]
    neutral = getattr(kind, "neutral", {}).get(setting)
    low, high = ends
    if neutral is not None:
        return min(max(neutral, low), high), max(high, low, key=lambda end: abs(end - neutral))
    return (high, low) if setting in kind.mild_at_high else (low, high)


def _shared(values: Mapping[str, Any], place: Place) -> Place:
    """Return a place with ``"*"`` for the number of the profile."""
    if not has_profiles(values):
        return place
    return (*place[:4], "*", *place[5:])


def _moved(values: Ends, old: Ends, new: Ends) -> Ends:
    """Move a profile's range as `old`, that of all profiles, becomes `new`."""
    if old[0] == old[1]:
        return new
    low, high = (new[0] + (value - old[0]) / (old[1] - old[0]) * (new[1] - new[0]) for value in values)
    return low, high


def _checked(number: TunableNumber, given: Sequence[float]) -> Ends:
    ends = _ends(list(given))
    low, high = number.limits
    if ends is None or not low <= ends[0] <= ends[1] <= high:
        raise PatinaError(f"{number.name} is {list(given)}; expected two numbers from {low:g} to {high:g}, low first")
    return ends


def _set(values: Any, place: Place, value: Any) -> None:
    for key in place[:-1]:
        values = values[key]
    values[place[-1]] = value


def _short(value: float) -> float:
    return round(value, 4)
