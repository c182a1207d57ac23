"""Typed settings that reject unknown keys, and the files that hold them."""

import ast
import inspect
import textwrap
import types
import typing
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    model_validator,
)
from pydantic_core import CoreSchema

from patina.errors import ConfigError
from patina.hints import nearest_name
from patina.shipped import shipped_root

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
    found = nearest_name(given.stem, sorted(known), is_whole=bool(given.suffix))
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
