"""What is wrong with settings: pydantic's errors in one line."""

import re
import types
import typing
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from patina.errors import listed
from patina.hints import nearest

_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")
_NO_BLOCK = ("model_type", "model_attributes_type", "dataclass_type")
_SHOWN = 6
"""Most keys that a message lists where a block is expected."""

_WORDING = (
    ("^Value error, ", ""),
    (", unable to .*", ""),
    ("^Input should be (greater|less)", r"expected a value \1"),
    ("^Input should be", "expected"),
    (r"^\w+ should have (at (?:least|most) \d+ items?) after validation, not \d+", r"expected \1"),
    (r"^String should match pattern .*", "expected only letters, digits, '.', '_' and '-'"),
    ("a valid boolean", "true or false"),
    (r"a (valid )?dictionary( or (an )?instance of \w+)?", "keys and values"),
)
"""Patterns in pydantic's messages and their replacements."""


def has_place(settings: type[BaseModel], place: Sequence[str]) -> bool:
    """Return whether a class has a key in this place, e.g. ``["data", "patch"]``; lists count as their items."""
    return all(part in _keys_at(settings, list(place[:depth])) for depth, part in enumerate(place))


def describe_problems(
    error: ValidationError, settings: type[BaseModel], names_here: Mapping[str, str] = MappingProxyType({})
) -> str:
    """Describe a validation error in one line: all unknown keys and invalid values, and missing ones.

    Args:
        error: the error pydantic raised.
        settings: the class that was validated; its keys are suggested for unknown ones.
        names_here: other tools' keys, and what they are called here.
    """
    problems = error.errors(include_url=False)
    # A misspelt key also makes the right one missing, and in its block no kind of a union fits.
    unknown = [problem for problem in problems if problem["type"] in _UNKNOWN]
    blocks = {problem["loc"][:-1] for problem in unknown}
    others = [problem for problem in problems if problem["type"] not in (*_UNKNOWN, "missing")] if unknown else problems
    others = [
        problem for problem in others if not any(block[: len(problem["loc"])] == problem["loc"] for block in blocks)
    ]
    causes = [*unknown, *_causes(others, settings)]
    return listed(list(dict.fromkeys(_describe(problem, settings, names_here) for problem in causes)))


def _causes(problems: Sequence[ErrorDetails], settings: type[BaseModel]) -> list[ErrorDetails]:
    """Drop problems that follow from others.

    A problem inside a block makes the block invalid, too, and pydantic reports a value of a union once per member.
    """
    places = [problem["loc"] for problem in problems]
    found: dict[tuple[int | str, ...], ErrorDetails] = {}
    for problem, place in zip(problems, places, strict=True):
        if not any(other[: len(place)] == place and len(other) > len(place) for other in places):
            found.setdefault(place[:-1] if _ends_in_kind(place, settings) else place, problem)
    return list(found.values())


def _ends_in_kind(place: tuple[int | str, ...], settings: type[BaseModel]) -> bool:
    """Whether the last part of a place is a union member that pydantic tried rather than a key."""
    if not place or not isinstance(place[-1], str):
        return False
    *around, last = map(str, place)
    return last not in _keys_at(settings, around)


def _describe(problem: ErrorDetails, settings: type[BaseModel], names_here: Mapping[str, str]) -> str:
    location = [str(part) for part in problem["loc"]]
    key = ".".join(filter(None, _without_tags(settings, location)))
    if problem["type"] in _UNKNOWN and location[-1] in names_here:
        return f"{key}: unknown key, its name here is {names_here[location[-1]]}"
    if problem["type"] in _UNKNOWN:
        return f"{key}: unknown key, {nearest(location[-1], _keys_at(settings, location[:-1]))}"
    keys = _wanted_keys(settings, location)
    if problem["type"] == "missing":
        return f"{key}: missing, expected {f'the keys {keys}' if keys else 'a value'}"
    message = problem["msg"]
    for pattern, ours in _WORDING:
        message = re.sub(pattern, ours, message)
    if keys and problem["type"] in _NO_BLOCK:
        message = f"expected the keys {keys}"
    plain = problem["type"] == "value_error" or isinstance(problem["input"], dict)
    return (f"{key}: " if key else "") + (message if plain else f"{message}, found {problem['input']!r}")


def _wanted_keys(settings: Any, location: list[str]) -> str:
    """Return keys of the block at `location`, for a message: those without a default first."""
    blocks = _blocks_in(settings)
    for part in location:
        blocks = _blocks_at(blocks, part)
    needed = [
        name for block in blocks for name, field in getattr(block, "model_fields", {}).items() if field.is_required()
    ]
    keys = list(dict.fromkeys([*needed, *_keys_at(settings, location)]))
    return ", ".join(keys[:_SHOWN]) + (", …" if len(keys) > _SHOWN else "")


def _keys_at(settings: Any, location: list[str]) -> list[str]:
    """Return the known keys at `location` (names of settings, list positions, union tags) below `settings`."""
    blocks = _blocks_in(settings)
    for part in location:
        blocks = _blocks_at(blocks, part)
    return list(dict.fromkeys(name for block in blocks for name in _fields(block)))


def _without_tags(settings: Any, location: list[str]) -> list[str]:
    """Return `location` without the union tags that pydantic adds."""
    blocks, shown = _blocks_in(settings), []
    for part in location:
        if any(part in _fields(block) for block in blocks) or not any(_is_tagged(block, part) for block in blocks):
            shown.append(part)
        blocks = _blocks_at(blocks, part)
    return shown


def _blocks_at(blocks: list[Any], part: str) -> list[Any]:
    """Return the settings classes that `part` of a location selects by key or by union tag."""
    inside = [_fields(block)[part] for block in blocks if part in _fields(block)]
    if inside:
        return _blocks_in(inside[0])
    return [block for block in blocks if _is_tagged(block, part)] or blocks


def _blocks_in(annotation: Any) -> list[Any]:
    """Return the settings classes inside an annotation such as ``Block | None`` or ``dict[str, Block]``."""
    if typing.get_origin(annotation) is Annotated:
        return _blocks_in(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in (typing.Union, types.UnionType, tuple, dict):
        return [block for part in typing.get_args(annotation) for block in _blocks_in(part)]
    return [annotation] if _fields(annotation) else []


def _fields(block: Any) -> dict[str, Any]:
    """Return the field annotations of a settings class or dataclass by name; empty for other types."""
    if hasattr(block, "model_fields"):
        return {name: field.annotation for name, field in block.model_fields.items()}
    return {name: field.type for name, field in getattr(block, "__dataclass_fields__", {}).items()}


def _is_tagged(block: Any, tag: str) -> bool:
    """Whether `tag` selects the block: it is its union tag, or the only value that one of its settings allows."""
    return getattr(block, "union_tag", None) == tag or any(
        typing.get_args(annotation) == (tag,) for annotation in _fields(block).values()
    )
