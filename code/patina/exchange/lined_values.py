"""JSON, TOML and YAML with the line of every value, which messages and remarks name."""

import bisect
import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patina.errors import ConfigError
from patina.system.yaml_files import LinedValue, lined_yaml

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_SPACE = re.compile(r"[ \t\r\n]*")
_TOML_TABLE = re.compile(r"\s*\[(\[)?([^\[\]]+)\]\]?\s*(?:#.*)?$")
_TOML_KEY = re.compile(r"""\s*("[^"]*"|'[^']*'|[\w.-]+)\s*=""")
_TOML_STRINGS = re.compile(r"""\"\"\".*?\"\"\"|'''.*?'''|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|#[^\n]*""", re.S)


def read_text(path: Path) -> str:
    """Return a configuration's text.

    Raises:
        ConfigError: the file cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); expected another tool's configuration") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: byte {error.start} is not valid UTF-8; expected a configuration in text") from None


def plain(node: LinedValue) -> Any:
    """Return a value without its lines."""
    if isinstance(node.value, dict):
        return {key: plain(inside) for key, inside in node.value.items()}
    return [plain(inside) for inside in node.value] if isinstance(node.value, list) else node.value


def read_yaml_lines(text: str, source: Path) -> LinedValue:
    """Read YAML.

    Raises:
        ConfigError: not valid YAML.
    """
    return lined_yaml(text, source)


def read_json_lines(text: str, source: Path) -> LinedValue:
    """Read JSON.

    Raises:
        ConfigError: not valid JSON.
    """
    starts = [match.end() for match in re.finditer("\n", text)]
    decoder = json.JSONDecoder()

    def line(at: int) -> int:
        return bisect.bisect_right(starts, at) + 1

    def skip(at: int) -> int:
        return at if (space := _SPACE.match(text, at)) is None else space.end()

    def value(at: int) -> tuple[LinedValue, int]:
        at = skip(at)
        if text[at : at + 1] not in ("{", "["):
            found, end = decoder.raw_decode(text, at)
            return LinedValue(found, line(at)), end
        inside: dict[str, LinedValue] | list[LinedValue] = {} if text[at] == "{" else []
        closing, start, at = "}" if text[at] == "{" else "]", at, skip(at + 1)
        while text[at : at + 1] != closing:
            if isinstance(inside, dict):
                key, end = decoder.raw_decode(text, at)
                key_line, at = line(at), skip(end)
                found, end = value(at + 1)  # after the colon
                inside[str(key)] = LinedValue(found.value, key_line)
            else:
                found, end = value(at)
                inside.append(found)
            at = skip(end)
            at = skip(at + 1) if text[at : at + 1] == "," else at
        return LinedValue(inside, line(start)), at + 1

    try:
        json.loads(text)
        return value(0)[0]
    except ValueError as error:
        raise ConfigError(f"{source}: not valid JSON: {error}") from None
    except RecursionError:
        raise ConfigError(f"{source}: not valid JSON: nested too deeply") from None


def read_toml_lines(text: str, source: Path) -> LinedValue:
    """Read TOML.

    Raises:
        ConfigError: not valid TOML.
    """
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{source}: not valid TOML: {error}") from None
    lines = _toml_lines(text)

    def lined(value: Any, place: tuple[str | int, ...], above: int) -> LinedValue:
        line = lines.get(place, above)
        if isinstance(value, dict):
            return LinedValue({key: lined(inside, (*place, key), line) for key, inside in value.items()}, line)
        if isinstance(value, list):
            return LinedValue([lined(inside, (*place, index), line) for index, inside in enumerate(value)], line)
        return LinedValue(value, line)

    return lined(values, (), 1)


def _toml_lines(text: str) -> dict[tuple[str | int, ...], int]:
    """Return the line of every table and key of a valid TOML text, by its place."""
    found: dict[tuple[str | int, ...], int] = {}
    counts: dict[tuple[str | int, ...], int] = {}
    table: tuple[str | int, ...] = ()
    depth = 0
    # Strings and comments keep their line breaks and lose everything else, so that brackets can be counted.
    bare = _TOML_STRINGS.sub(_blanked, text)
    for number, (shown, line) in enumerate(zip(text.split("\n"), bare.split("\n"), strict=True), 1):
        if depth == 0 and (header := _TOML_TABLE.match(shown)):
            table = _toml_table(_toml_parts(header[2]), counts, array=bool(header[1]))
            found.setdefault(table, number)
            continue
        if depth == 0 and (key := _TOML_KEY.match(shown)):
            found.setdefault((*table, *_toml_parts(key[1])), number)
        depth += sum(map(line.count, "[{")) - sum(map(line.count, "]}"))
    return found


def _toml_table(parts: list[str], counts: dict[tuple[str | int, ...], int], *, array: bool) -> tuple[str | int, ...]:
    """Return the place of a table: its names, with the number of the entry after the name of an array of tables."""
    place: tuple[str | int, ...] = ()
    for part in parts[:-1]:
        place = (*place, part)
        place = (*place, counts[place]) if place in counts else place
    place = (*place, parts[-1])
    if array:
        counts[place] = counts.get(place, -1) + 1
        return (*place, counts[place])
    return place


def _toml_parts(key: str) -> list[str]:
    return [part.strip().strip("\"'") for part in re.findall(r"""\s*("[^"]*"|'[^']*'|[^.]+)""", key)]


def _blanked(match: re.Match[str]) -> str:
    return "\n" * match[0].count("\n")


Reader = Callable[[str, Path], LinedValue]
"""Reads a text; the path is its name in messages."""


@dataclass(frozen=True)
class Syntax:
    """A way of writing configurations down: its name in messages, and its reader."""

    name: str
    read: Reader
