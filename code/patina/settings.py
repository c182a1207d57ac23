"""Typed settings that reject unknown keys, and one-line messages for validation errors."""

import ast
import inspect
import re
import textwrap
import types
import typing
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import CoreSchema, ErrorDetails

from patina.errors import ConfigError, listed
from patina.hints import nearest, nearest_name
from patina.shipped import shipped_root

_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")

_WORDING = (
    ("^Value error, ", ""),
    (", unable to .*", ""),
    ("^Input should be (greater|less)", r"expected a value \1"),
    ("^Input should be", "expected"),
    (r"^\w+ should have (at (?:least|most) \d+ items?) after validation, not \d+", r"expected \1"),
    (r"^String should match pattern .*", "expected only letters, digits, '.', '_' and '-'"),
    ("a valid boolean", "true or false"),
    (r"a valid dictionary( or instance of \w+)?", "keys and values"),
)
"""Patterns in pydantic's messages and their replacements."""


PositiveInt = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
Probability = Annotated[float, Field(ge=0, le=1)]


Schema = dict[str, Any]
"""A JSON schema."""


def either(*schemas: Schema) -> Schema:
    """Return the schema of what fits any of several."""
    return {"anyOf": list(schemas)}


def as_list(value: Any) -> Any:
    """Turn a single value into a list of one, where a file may give either."""
    return value if value is None or isinstance(value, list | tuple) else [value]


def field_docs(settings: type) -> dict[str, str]:
    """Return the docstrings under the fields of a class and of those that it is derived from, by field."""
    return {field: text for base in reversed(settings.__mro__) for field, text in _own_docs(base).items()}


@cache  # a class is part of many schemas, and Python parses a whole file to find one
def _own_docs(base: type) -> dict[str, str]:
    """Return the docstrings under the fields that are written in a class itself."""
    if base.__module__ in ("builtins", "typing") or base.__module__.split(".")[0] == "pydantic":
        return {}
    try:
        body = ast.parse(textwrap.dedent(inspect.getsource(base))).body[0]
    except (OSError, TypeError, SyntaxError):  # made without a file
        return {}
    return {
        field.target.id: inspect.cleandoc(after.value.value)
        for field, after in pairwise(getattr(body, "body", []))
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        and isinstance(after.value.value, str)
    }  # fmt: skip


@cache
def _numbers(settings: type[BaseModel]) -> frozenset[str]:
    """Return the fields that take numbers and, at most, text or nothing beside them."""
    kinds = {name: _plain_kinds(field.annotation) for name, field in settings.model_fields.items()}
    plain = {int, float, str, types.NoneType}
    return frozenset(name for name, found in kinds.items() if found & {int, float} and found <= plain)


def _plain_kinds(annotation: Any) -> set[Any]:
    """Return the types that an annotation allows; what is no plain type stands for itself."""
    origin, inside = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return _plain_kinds(inside[0])
    if origin is typing.Literal:
        return {type(value) for value in inside}
    if origin in (typing.Union, types.UnionType):
        return set().union(*(_plain_kinds(part) for part in inside))
    return {origin or annotation}


class Settings(BaseModel):
    """A block of settings that rejects unknown keys.

    The docstring under a field documents it; JSON schemas and `docs/configuration.md` are generated from it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, values: Any) -> Any:
        """Refuse true and false where a number is expected; Pydantic takes them for 1 and 0."""
        given = values.items() if isinstance(values, dict) else ()
        wrong = [(name, value) for name, value in given if isinstance(value, bool) and name in _numbers(cls)]
        if wrong:
            raise ValueError(
                "; ".join(f"{name}: expected a number, found {str(value).lower()}" for name, value in wrong)
            )
        return values

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> Schema:
        """Return the JSON schema with the docstrings under the fields as descriptions.

        They are read only here: pydantic would read the source of every class at every start, a fifth of its time.
        """
        whole = handler(schema)
        properties = handler.resolve_ref_schema(whole).get("properties", {})
        for name, text in field_docs(cls).items():
            if name in properties:
                properties[name].setdefault("description", text)
        return whole

    @classmethod
    def as_written(cls, schema: Schema) -> Schema:
        """Return the JSON schema of all forms in which a file may give the block.

        Args:
            schema: of the block as it is stored, with all keys.
        """
        return schema


def find_file(given: str | Path, folders: Sequence[str], what: str) -> Path:
    """Find a file at the given path, with or without ``.yml``, or by its name in one of the project's `folders`.

    Raises:
        ConfigError: no such file; the message lists the places searched.
    """
    given = Path(given)
    names = [given] if given.suffix else [given, given.with_name(given.name + ".yml")]
    places = [place for folder in folders for place in (Path(folder), Path("..") / folder, shipped_root() / folder)]
    for candidate in [*names, *(place / name.name for place in places for name in names)]:
        if candidate.is_file():
            return candidate.resolve()
    known = {file.stem: file.stem for place in places for file in place.glob("*.yml")}
    if given.parent.is_dir():
        known |= {file.stem: str(given.with_name(file.name)) for file in given.parent.glob("*.yml")}
    found = nearest_name(given.stem, sorted(known))
    guess = f"; did you mean {known[found]}?" if found else ""
    searched = " or ".join(f"{folder}/" for folder in folders)
    raise ConfigError(f"{given}: no such {what}, neither at that path nor in {searched}{guess}")


def require_block(values: Any, source: str | Path) -> dict[str, Any]:
    """Return the contents of a YAML file if they are a mapping.

    Raises:
        ConfigError: they are something else, or the file is empty.
    """
    if not isinstance(values, dict):
        found = "an empty file" if values is None else f"{type(values).__name__} {str(values)[:40]!r}"
        raise ConfigError(f"{source}: expected keys and values, found {found}")
    return values


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
    if problem["type"] == "missing":
        return f"{key}: missing, expected a value"
    message = problem["msg"]
    for pattern, ours in _WORDING:
        message = re.sub(pattern, ours, message)
    plain = problem["type"] == "value_error" or isinstance(problem["input"], dict)
    return (f"{key}: " if key else "") + (message if plain else f"{message}, found {problem['input']!r}")


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
