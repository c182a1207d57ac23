"""A family of recipes: a recipe in which some numbers are free, to be found from photos.

In YAML a free number stands as ``{free: [low, high]}`` in place of a range; with ``optional: true`` beside it, it stays
at its low end unless the photos ask for more; with ``usual: number``, that is believed where the photos tell nothing;
with ``of: target``, all these are for the photos' size, and are multiplied by the scale. Everything else is a recipe as
any other.
"""

import copy
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic.fields import FieldInfo

from patina.degradations.base import OPERATIONS
from patina.degradations.execution import Engine
from patina.degradations.ranges import Between
from patina.degradations.recipe import Recipe, parse_recipe
from patina.degradations.recipe_files import with_absolute_files
from patina.errors import ConfigError
from patina.fitting.file_compression import FileCompression
from patina.fitting.stuck_pixels import impulse_steps
from patina.settings import find_file, require_block
from patina.shipped import base_folder
from patina.system.typed_values import shortened
from patina.system.yaml_files import read_yaml

FOLDERS = ("confs/families", "confs/recipes")
DEFAULT_FAMILIES = ("camera", "raw-camera", "web", "web-sharp", "camera-lines")
"""Families that are tried where none is named, the simplest first."""
FREE, OPTIONAL, USUAL, OF = "free", "optional", "usual", "of"

_LARGEST = 1e9
"""What is larger, or no number, is a mistake, and would end in one of arithmetic."""

Place = tuple[str | int, ...]
"""The keys and positions that lead to a value."""


@dataclass(frozen=True)
class FreeNumber:
    """A number of a recipe that is to be found.

    A unit value u in [0, 1] stands for low + (high - low) u² where low is 0, so that weak degradations have room, and
    for low + (high - low) u elsewhere.

    Attributes:
        place: where it stands in the recipe's values.
        low, high: its limits.
        optional: whether it stays at `low` unless the photos ask for more.
        scale: how many times larger it is than what is seen in the photos: a length in the clean image.
        usual: its value where the photos tell nothing; None for the setting's default.
    """

    place: Place
    low: float
    high: float
    optional: bool = False
    scale: int = 1
    usual: float | None = None

    @property
    def name(self) -> str:
        """The operation and its setting, e.g. ``sensor_noise.sigma``."""
        words = [str(key) for key in self.place if isinstance(key, str)]
        return ".".join(words[-2:])

    @property
    def operation(self) -> str:
        """The operation's name."""
        return self.name.split(".")[0]

    @property
    def plain(self) -> float:
        """The unit value that is believed where photos tell nothing.

        It is that of `usual`, or of the setting's default; 0.5 if it has neither. Optional numbers stay at `low`.
        """
        if self.optional:
            return 0.0
        if self.usual is not None:
            return self.unit(self.usual)
        field = self._field
        if field is None or not isinstance(field.default, tuple):
            return 0.5
        return self.unit(sum(field.default) / 2)

    @property
    def can_grow(self) -> bool:
        """Whether the setting allows values above `high`."""
        limits = [item.high for item in self._field.metadata if isinstance(item, Between)] if self._field else []
        return all(self.high < limit for limit in limits)

    @property
    def _field(self) -> FieldInfo | None:
        """The setting of a classical operation; None for others."""
        operation = OPERATIONS.get(self.operation)
        return operation.model_fields.get(str(self.place[-1])) if operation else None

    @property
    def is_quality(self) -> bool:
        """Whether it is a codec's quality: a whole number, better at its high end."""
        return self.place[-1] == "quality"

    def value(self, unit: float) -> float:
        """Return the number of a unit value; outside of [0, 1] that of the nearer end."""
        inside = min(1.0, max(0.0, unit))
        return self.low + (self.high - self.low) * (inside**2 if self.low == 0 else inside)

    def unit(self, value: float) -> float:
        """Undo `value`."""
        fraction = min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))
        return fraction**0.5 if self.low == 0 else fraction


@dataclass(frozen=True)
class Family:
    """A recipe with free numbers.

    Attributes:
        values: the recipe as plain values, the free numbers in it as they are in the file.
        free: its free numbers.
        source: file, for messages.
        engine: opens the models of its learned blocks; None if it has none.
    """

    values: dict[str, Any]
    free: tuple[FreeNumber, ...]
    source: str
    engine: Callable[[], Engine] | None = None

    @property
    def name(self) -> str:
        """The file's name without suffix."""
        return Path(self.source).stem

    @property
    def file_step(self) -> int | None:
        """The position of the step that stands for the photos' last compression, whichever it is, if there is one.

        It is the last JPEG or WebP step whose quality is free: that quality is not searched, since files tell it.
        """
        places = [number.place for number in self.free if number.is_quality and number.place[0] == "steps"]
        return int(places[-1][1]) if places and len(places[-1]) == 4 else None

    def is_told(self, number: FreeNumber) -> bool:
        """Whether files tell a number."""
        return self.file_step is not None and number.place[:2] == ("steps", self.file_step) and number.is_quality

    def filled(
        self,
        ranges: Sequence[tuple[float, float]],
        compression: FileCompression | None = None,
        impulses: float = 0.0,
        unused: Collection[int] = (),
    ) -> dict[str, Any]:
        """Return the recipe's plain values with a range for every free number, and what a photo itself tells.

        Args:
            ranges: of the free numbers.
            compression: a photo's, in place of the last one; None for the recipe's.
            impulses: fraction of the photo's pixels that are black or white by error.
            unused: positions of steps to leave out.
        """
        values = copy.deepcopy(self.values)
        for number, (low, high) in zip(self.free, ranges, strict=True):
            parent: Any = values
            for key in number.place[:-1]:
                parent = parent[key]
            parent[number.place[-1]] = [low, high] if low != high else low
        steps: list[Any] = []
        for place, step in enumerate(values["steps"]):
            if place == self.file_step:
                steps += [*impulse_steps(impulses), *([step] if compression is None else compression.steps)]
            elif place not in unused:
                steps.append(step)
        values["steps"] = steps + (impulse_steps(impulses) if self.file_step is None else [])
        return values

    def recipe(self, units: np.ndarray | Sequence[float], compression: FileCompression | None = None) -> Recipe:
        """Return the recipe with a value for every free number, ``[free]`` unit values; see `filled`."""
        numbers = [number.value(float(unit)) for number, unit in zip(self.free, units, strict=True)]
        whole = [round(value) if free.is_quality else value for free, value in zip(self.free, numbers, strict=True)]
        return parse_recipe(self.filled([(value, value) for value in whole], compression), self.source)

    @property
    def scale(self) -> int:
        """How many times smaller the results are."""
        return int(self.values["scale"])


def plain_family(scale: int) -> Family:
    """Return the recipe that degrades nothing, without free numbers: MATLAB's bicubic where results are smaller."""
    nothing: Any = {"one_of": {"choices": [{"steps": []}]}}
    shrink = {"resize": {"filter": "matlab_bicubic", "of": "target"}}
    return Family({"scale": scale, "steps": [shrink if scale > 1 else nothing]}, (), "the recipe without degradation")


def load_families(given: Sequence[str | Path], scale: int | None = None) -> list[Family]:
    """Read families that are tried in turn; see `load_family`. The default ones are those that come with Patina.

    Raises:
        ConfigError: as there, or their scales differ.
    """
    if tuple(given) == DEFAULT_FAMILIES:  # not a file of the current folder that has such a name
        given = [Path(FOLDERS[0], f"{name}.yml") for name in given]
    families = [load_family(name, scale) for name in given]
    if len({family.scale for family in families}) > 1:
        scales = ", ".join(f"{family.name} has scale {family.scale}" for family in families)
        raise ConfigError(f"{scales}; expected one scale; set it with -scale")
    return families


def load_family(given: str | Path, scale: int | None = None) -> Family:
    """Read a family, a path or a name in ``confs/families/``.

    Paths in it become absolute, as the fitted recipe may lie in another folder; what they start from is said in
    `load_recipe`.

    Args:
        given: the file.
        scale: in place of the file's.

    Raises:
        ConfigError: the file is no recipe, has no free number, or one with wrong limits.
        PatinaError: a file of kernels or noise cannot be used.
    """
    path = find_file(given, FOLDERS, "family")
    values = with_absolute_files(require_block(read_yaml(path), path), base_folder(path))
    if scale is not None:
        values["scale"] = scale
    times = values.get("scale", 1)
    if not isinstance(times, int) or times < 1:
        raise ConfigError(f"{path}: scale is {shortened(repr(times))}, expected a whole number, 1 or more")
    free = tuple(_free_numbers(values, (), path, times))
    if not free:
        raise ConfigError(f"{path}: no number is free; write {{free: [low, high]}} in place of a range to fit it")
    family = Family(values, free, str(path))
    for unit in (0.0, 1.0):  # whatever is wrong with a limit is said now
        family.recipe(np.full(len(free), unit)).check_ready()
    return family


def has_free_numbers(values: Any) -> bool:
    """Return whether a file's values are a family's."""
    if isinstance(values, dict):
        return FREE in values or any(has_free_numbers(value) for value in values.values())
    return isinstance(values, list) and any(has_free_numbers(value) for value in values)


def _free_numbers(values: Any, place: Place, path: Path, scale: int) -> Iterator[FreeNumber]:
    if isinstance(values, dict) and FREE in values:
        yield _free_number(values, place, path, scale)
    elif isinstance(values, dict):
        for key, value in values.items():
            yield from _free_numbers(value, (*place, key), path, scale)
    elif isinstance(values, list):
        for index, value in enumerate(values):
            yield from _free_numbers(value, (*place, index), path, scale)


def _free_number(values: dict[Any, Any], place: Place, path: Path, scale: int) -> FreeNumber:
    limits, where = values[FREE], ".".join(map(str, place))
    is_range = isinstance(limits, list) and len(limits) == 2 and all(map(_is_number, limits)) and limits[0] < limits[1]
    if not is_range:
        raise ConfigError(f"{path}: {where}.free is {shortened(repr(limits))}, expected [low, high]")
    if unknown := set(values) - {FREE, OPTIONAL, USUAL, OF}:
        known = f"{FREE}, {OPTIONAL}, {USUAL} and {OF}"
        raise ConfigError(f"{path}: {where}.{min(map(str, unknown))}: expected {known} alone")
    if values.get(OF, "target") != "target":
        raise ConfigError(f"{path}: {where}.{OF} is {shortened(repr(values[OF]))}, expected target")
    if not isinstance(optional := values.get(OPTIONAL, False), bool):
        raise ConfigError(f"{path}: {where}.{OPTIONAL} is {shortened(repr(optional))}, expected true or false")
    usual = values.get(USUAL)
    if usual is not None and not (_is_number(usual) and limits[0] <= usual <= limits[1]):
        expected = f"a number from {limits[0]} to {limits[1]}"
        raise ConfigError(f"{path}: {where}.{USUAL} is {shortened(repr(usual))}, expected {expected}")
    if usual is not None and optional:
        raise ConfigError(f"{path}: {where} has {OPTIONAL} and {USUAL}; an optional number is usually at its low end")
    times = scale if OF in values else 1
    low, high = (times * float(limit) for limit in limits)
    return FreeNumber(place, low, high, optional, times, None if usual is None else times * float(usual))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST
