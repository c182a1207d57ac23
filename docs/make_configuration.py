"""Write docs/configuration.md from the settings' classes: every key with its type, default and meaning.

python docs/make_configuration.py

The page is made of the classes' JSON schemas, whose descriptions are the strings under the classes' fields.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from patina.degradations.blocks import known_blocks
from patina.degradations.recipe import Recipe
from patina.specs.subjects import config_classes

Schema = dict[str, Any]

PAGE = Path(__file__).parent / "configuration.md"

INTRO = """# Configuration

<!-- Written by docs/make_configuration.py from the settings' classes; edit the strings under their fields instead. -->

A configuration is one YAML file for one experiment. Its `task` decides which keys it may have; an unknown key is an
error that names the nearest known one. Relative paths start from the folder that holds `confs/`, or from the file's own
folder where it lies elsewhere.

Every file may also have a `smoke` section, which shrinks the experiment so that `patina train -opt NAME --smoke` tries
it in about a minute. The section overrides the rest key by key; a block that overrides a list changes every item of it.
The run is then called `NAME-smoke`.

LQ are low-quality images, GT is their ground truth. Std (8-bit) is a standard deviation in grey levels from 0 to
255.
"""

RECIPES = """## Recipes

A recipe says how clean images become LQ images; [Recipes](recipes.md) explains the language and shows every operation.
A range is written as `[low, high]` and drawn from uniformly for every image. Names are written as one name, a list, or
weights by name.
"""


@dataclass
class Section:
    """A block of settings, or all alternatives of one.

    Attributes:
        place: where it stands in a configuration, e.g. ``stages.losses``; empty for the task itself.
        blocks: its schema, or one for each alternative.
    """

    place: str
    blocks: list[Schema]


@dataclass
class Chapter:
    """A task with all blocks inside it.

    Attributes:
        name: of the task, or of the operation.
        definitions: schemas by the name that they are referred to by.
        sections: the blocks in the order of their first use.
    """

    name: str
    definitions: dict[str, Schema]
    sections: list[Section] = field(default_factory=list)

    def collect(self, block: Schema, place: str = "") -> None:
        """Add a block and all that it refers to."""
        self._add(place, [block])

    def _add(self, place: str, blocks: list[Schema]) -> None:
        if any(section.blocks == blocks for section in self.sections):
            return
        self.sections.append(Section(place, blocks))
        for block in blocks:
            for key, schema in block["properties"].items():
                for inner in self.blocks_in(schema):
                    self._add(f"{place}.{key}".lstrip("."), inner)

    def blocks_in(self, schema: Schema) -> Iterator[list[Schema]]:
        """Return the blocks that a value may be, alternatives together."""
        if "oneOf" in schema:
            yield [self.definitions[_target(each)] for each in schema["oneOf"]]
        elif "$ref" in schema:
            yield [self.definitions[_target(schema)]]
        else:
            inside = [schema[key] for key in ("items", "additionalProperties") if isinstance(schema.get(key), dict)]
            for part in [*schema.get("anyOf", []), *inside, *schema.get("patternProperties", {}).values()]:
                yield from self.blocks_in(part)

    def title(self, section: Section, block: Schema | None = None) -> str:
        """Return the heading of a section, or of one of its alternatives."""
        title = f"{self.name}: `{section.place}`"
        if block is None:
            return title
        key, value = _tag(section.blocks, block)
        return f"{title} with another `{key}`" if value is None else f"{title} with `{key}: {value}`"

    def link(self, blocks: list[Schema]) -> str:
        """Return a link to the section of these blocks."""
        section = next(section for section in self.sections if section.blocks == blocks)
        return f"[{section.place}](#{_anchor(self.title(section))})"


def page() -> str:
    """Return the page.

    Raises:
        ValueError: a key has no meaning; names the class and the key.
    """
    parts = [INTRO]
    for task, settings in config_classes().items():
        parts += [f"## Task {task}\n", *chapter(task, settings)]
    parts += [RECIPES, *chapter("recipe", Recipe)]
    for name, block in known_blocks().items():
        parts += [f"### {name}\n", f"[Example](recipes.md#{name})\n", *chapter(name, block, "####")]
    return "\n".join(parts)


def chapter(name: str, settings: type, level: str = "###") -> Iterator[str]:
    """Return the parts of the page that are about a class and all blocks inside it; the class itself has no heading."""
    schema = TypeAdapter(settings).json_schema()
    found = Chapter(name, schema.get("$defs", {}))
    found.collect(schema)
    for section in found.sections:
        if section.place:
            yield f"{level} {found.title(section)}\n"
        yield from _tables(found, section, level)


def _tables(chapter: Chapter, section: Section, level: str) -> Iterator[str]:
    """Return what all alternatives of a section share as one table, and a table with what is left for each."""
    if len(section.blocks) == 1:
        yield _described(section.blocks[0])
        yield _table(chapter, section.blocks[0])
        return
    shared = [
        key
        for key, value in section.blocks[0]["properties"].items()
        if all(block["properties"].get(key) == value for block in section.blocks)
    ]
    if shared:
        yield "All alternatives have:\n"
        yield _table(chapter, section.blocks[0], shared)
    for block in section.blocks:
        yield f"{level}# {chapter.title(section, block)}\n"
        yield _described(block)
        yield _table(chapter, block, [key for key in block["properties"] if key not in shared])


def _table(chapter: Chapter, block: Schema, keys: list[str] | None = None) -> str:
    rows = ["| key | type | default | meaning |", "| --- | --- | --- | --- |"]
    for key in block["properties"] if keys is None else keys:
        schema = block["properties"][key]
        if "description" not in schema:
            raise ValueError(f"{block['title']}.{key} has no meaning; write it as a string under the field")
        cells = (f"`{key}`", _type(chapter, schema), _default(block, key), _one_line(schema["description"]))
        rows.append(f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |")
    return "\n".join(rows) + "\n"


def _type(chapter: Chapter, schema: Schema) -> str:
    if "format" in schema:
        return schema["format"]
    if "$ref" in schema or "oneOf" in schema:
        return chapter.link(next(chapter.blocks_in(schema)))
    if "anyOf" in schema:
        return _alternatives(chapter, schema["anyOf"])
    if "const" in schema or "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    if "prefixItems" in schema:
        return f"[{', '.join(_type(chapter, each) for each in schema['prefixItems'])}]"
    if schema["type"] == "array":
        item = _type(chapter, schema["items"])
        return f"list of ({item})" if " or " in item else f"list of {item}"
    if schema["type"] == "object":
        values = [*schema.get("patternProperties", {}).values(), schema.get("additionalProperties")]
        return f"mapping to {_type(chapter, values[0])}"
    if schema["type"] == "string":
        return "text"
    return f"{schema['type']}{_bounds(schema)}"


def _alternatives(chapter: Chapter, schemas: list[Schema]) -> str:
    """Return the types that a value may have; ranges and weighted names, which are spelt in several ways, in one."""
    first, *others = schemas
    if others and others[0].get("prefixItems") == [first, first]:
        return " or ".join([f"{_type(chapter, first)}, or a range", *(_type(chapter, each) for each in others[1:])])
    if "enum" in first and [each.get("type") for each in others] == ["array", "object"]:
        return f"names: {_type(chapter, first)}"
    return " or ".join(_type(chapter, each) for each in schemas)


def _bounds(schema: Schema) -> str:
    if "minimum" in schema and "maximum" in schema:
        return f" {schema['minimum']:.6g} to {schema['maximum']:.6g}"
    words = {
        "minimum": "≥",
        "exclusiveMinimum": ">",
        "maximum": "≤",
        "exclusiveMaximum": "<",
        "multipleOf": "multiple of",
    }
    found = [f"{word} {schema[name]:.6g}" for name, word in words.items() if name in schema]
    return f" {', '.join(found)}" if found else ""


def _default(block: Schema, key: str) -> str:
    if key in block.get("required", []):
        return "required"
    schema = block["properties"][key]
    value = schema.get("default")
    if isinstance(value, dict) and any(
        "$ref" in each or "oneOf" in each for each in [schema, *schema.get("anyOf", [])]
    ):
        return "its defaults"
    return f"`{value if isinstance(value, str) else json.dumps(_rounded(value), ensure_ascii=False)}`"


def _rounded(value: Any) -> Any:
    """Return a default with floats as short as people write them."""
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _described(block: Schema) -> str:
    paragraphs = block.get("description", "").split("\n\n")
    return "\n\n".join(_one_line(paragraph) for paragraph in paragraphs) + "\n"


def _one_line(text: str) -> str:
    return " ".join(text.replace("``", "`").split())


def _target(reference: Schema) -> str:
    return reference["$ref"].rsplit("/", 1)[-1]


def _tag(blocks: list[Schema], block: Schema) -> tuple[str, str | None]:
    """Return the key that selects an alternative, and its value there; None for an alternative of all other values."""
    kinds = {key: [other["properties"].get(key, {}) for other in blocks] for key in block["properties"]}
    key = next(key for key, found in kinds.items() if sum("const" in schema for schema in found) >= len(blocks) - 1)
    return key, block["properties"][key].get("const")


def _anchor(heading: str) -> str:
    """Return the anchor that GitHub and the site give to a heading."""
    return re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
