"""JSON schemas of every configuration and of recipes, made from the settings' classes, for editors.

A class's own schema says how its values are stored. `Settings.as_written` adds the other forms in which a file may
give them.
"""

import copy
import json
from collections.abc import Callable, Iterator

from pydantic import TypeAdapter

from patina.degradations.blocks import OPERATION, known_blocks
from patina.degradations.recipe import Recipe
from patina.settings import Schema, Settings, either
from patina.specs.configuration import SMOKE
from patina.specs.subjects import config_classes

RECIPE, FAMILY = "recipe", "family"
COMMENT = "Made by `patina schema` from the settings' classes; not to be edited."

_LISTS, _MAPS = ("anyOf", "oneOf", "allOf", "prefixItems"), ("properties", "patternProperties", "$defs")
_SINGLE = ("items", "additionalProperties", "propertyNames", "not")
_FREE = {
    "description": "A number that `patina fit` finds from the photos.",
    "type": "object",
    "properties": {
        "free": {
            "description": "Its limits.",
            "type": "array",
            "items": [{"type": "number"}, {"type": "number"}],
            "minItems": 2,
            "maxItems": 2,
        },
        "optional": {"description": "Stays at the low end unless the photos ask for more.", "type": "boolean"},
        "usual": {"description": "Is believed where the photos tell nothing.", "type": "number"},
        "of": {"description": "target: the limits are in the photos' pixels.", "const": "target"},
    },
    "required": ["free"],
    "additionalProperties": False,
}


def schema_of(settings: type) -> Schema:
    """Return the JSON schema of a class, with the docstrings under its fields as descriptions."""
    return TypeAdapter(settings).json_schema()


def schemas() -> dict[str, Schema]:
    """Return the schema (draft 7) of every task's configuration, by task, of recipes and of families to fit."""
    found = {task: _configuration(task, config) for task, config in config_classes().items()}
    return {**found, RECIPE: _recipe(), FAMILY: _family()}


def schema_text(schema: Schema) -> str:
    """Return the contents of a schema's file."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def _configuration(task: str, config: type) -> Schema:
    whole = _as_written(schema_of(config))
    definitions = whole.pop("definitions", {})
    smoke = _everywhere(whole, _part) | {"description": "Overrides other keys for --smoke, to run in about a minute."}
    definitions |= {f"{name}_part": _everywhere(block, _part) for name, block in definitions.items()}
    whole["properties"] = whole["properties"] | {SMOKE: smoke}
    return _named(f"Patina: a configuration of task {task}", whole, definitions)


def _recipe() -> Schema:
    whole = _as_written(schema_of(Recipe))
    definitions = whole.pop("definitions", {})
    names, by_name = [], {}
    for name, block in known_blocks().items():
        own = _as_written(schema_of(block))
        definitions |= own.pop("definitions", {})
        definitions[f"{name}_settings"] = block.as_written(own)
        by_name[name] = {"$ref": f"#/definitions/{name}_settings"}
        if "required" not in own:
            names.append(name)
            by_name[name] = either(by_name[name], {"type": "null"})
    one = {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": False}
    definitions["operation"] = either({"enum": names}, one | {"properties": by_name})
    blocks = {name: _everywhere(block, _with_operations) for name, block in definitions.items()}
    return _named("Patina: a recipe", _everywhere(whole, _with_operations), blocks)


def _family() -> Schema:
    recipe = _recipe()
    blocks = {name: _everywhere(block, _or_free) for name, block in recipe["definitions"].items()}
    head = {"title": "Patina: a family to fit, a recipe with free numbers", "required": []}  # -scale may give the scale
    return recipe | head | {"definitions": blocks | {"free": _FREE}}


def _named(title: str, whole: Schema, definitions: dict[str, Schema]) -> Schema:
    head = {"$schema": "http://json-schema.org/draft-07/schema#", "$comment": COMMENT, "title": title}
    return head | whole | {"definitions": definitions}


def _as_written(schema: Schema) -> Schema:
    """Turn a schema of pydantic into one of draft 7, in which every block may have all its written forms."""
    schema = copy.deepcopy(schema)
    classes: dict[str, type[Settings]] = {one.__name__: one for one in _subclasses(Settings)}
    blocks = {
        name: _everywhere(classes[name].as_written(block) if name in classes else block, _of_draft_7)
        for name, block in schema.pop("$defs", {}).items()
    }
    return _everywhere(schema, _of_draft_7) | {"definitions": blocks}


def _subclasses(base: type[Settings]) -> Iterator[type[Settings]]:
    for one in base.__subclasses__():
        yield one
        yield from _subclasses(one)


def _everywhere(schema: Schema, change: Callable[[Schema], Schema]) -> Schema:
    """Apply a change to every schema inside another, the innermost first, and to that itself."""
    new: Schema = {}
    for key, value in schema.items():
        if key in _MAPS:
            new[key] = {name: _everywhere(inside, change) for name, inside in value.items()}
        elif isinstance(value, list) and (key in _LISTS or key == "items"):
            new[key] = [_everywhere(inside, change) for inside in value]
        elif key in _SINGLE and isinstance(value, dict):
            new[key] = _everywhere(value, change)
        else:
            new[key] = value
    return change(new)


def _of_draft_7(schema: Schema) -> Schema:
    """Rename what draft 7 names otherwise, and say what YAML and pydantic allow beside."""
    new = {key: value for key, value in schema.items() if key not in ("discriminator", "title")}
    if "$ref" in new:
        new["$ref"] = new["$ref"].replace("#/$defs/", "#/definitions/")
    if "prefixItems" in new:
        new |= {"items": new.pop("prefixItems"), "additionalItems": False}
    if "oneOf" in new:  # an alternative without the key that selects it may fit several
        new["anyOf"] = new.pop("oneOf")
    if new.get("type") == "array" and "minLength" in new:
        new["minItems"] = new.pop("minLength")
    if "enum" in new and "type" in new and any(str(value).isdigit() for value in new["enum"]):  # YAML reads a number
        del new["type"]
        new["enum"] = [*new["enum"], *(int(value) for value in new["enum"] if str(value).isdigit())]
    if "description" in new:
        new["description"] = " ".join(new["description"].split())
    return new


def _part(schema: Schema) -> Schema:
    """Allow a block to be given in part, and what changes every item of a list in place of the list."""
    new = {key: value for key, value in schema.items() if key != "required"}
    if "$ref" in new and not new["$ref"].endswith("_part"):
        new["$ref"] += "_part"
    if new.get("type") == "array" and isinstance(new.get("items"), dict):
        return either(new, new["items"])
    return new


def _with_operations(schema: Schema) -> Schema:
    """Replace what stands for an operation by the operations; one alone may stand in place of a list."""
    if schema.get("format") == OPERATION:
        return {"$ref": "#/definitions/operation"}
    if schema.get("type") == "array" and schema.get("items") == {"$ref": "#/definitions/operation"}:
        return either(schema, schema["items"])
    return schema


def _or_free(schema: Schema) -> Schema:
    """Allow a free number in place of every number and range of a block."""
    changed = {
        name: either(one, {"$ref": "#/definitions/free"})
        for name, one in schema.get("properties", {}).items()
        if one.get("type") in ("number", "integer") or any(map(_is_pair, one.get("anyOf", [])))
    }
    return schema | {"properties": schema["properties"] | changed} if changed else schema


def _is_pair(schema: Schema) -> bool:
    return isinstance(schema.get("items"), list)
