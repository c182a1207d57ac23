"""YAML as people read it: version 1.2's plain values, and no key twice.

PyYAML follows version 1.1, where `no`, `on` and `12:30` are false, true and 750, and where the last of two equal keys
wins. `yes` and `no` still set a setting that is true or false: the settings themselves understand them.
"""

import re
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import ConstructorError

from patina.errors import ConfigError

_MOST_VALUES = 1_000_000
"""Values in a file, aliases resolved; a few lines of aliases of aliases can stand for any number."""

_PLAIN = {
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "int": (r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
    "merge": (r"<<", "<"),
}
"""Values without quotes that are no text (YAML 1.2.2, 10.3.2), and the characters that they begin with."""


class _Loader(yaml.SafeLoader):
    """Reads plain values by `_PLAIN`, and refuses a key that is given twice."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - not those of version 1.1

    def __init__(self, text: str):
        super().__init__(text)
        self._checked: set[int] = set()

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Check a mapping's own keys, once: those that it merges join them, also when a later mapping merges it."""
        if id(node) not in self._checked:
            self._checked.add(id(node))
            self._require_keys_once(node)
        super().flatten_mapping(node)

    def _require_keys_once(self, node: yaml.MappingNode) -> None:
        lines: dict[Any, int] = {}
        for key_node, _ in node.value:
            if not key_node.tag.endswith(":merge"):
                key, line = self.construct_object(key_node, deep=True), key_node.start_mark.line + 1
                if not isinstance(key, Hashable):
                    continue  # which PyYAML refuses
                if key in lines:
                    told = f"the key {key!r} is in line {lines[key]} already; remove one of them"
                    raise ConstructorError(None, None, told, key_node.start_mark)
                lines[key] = line

    def construct_whole(self, node: yaml.ScalarNode) -> int:
        """Return a whole number; 010 is ten, not the octal eight of version 1.1."""
        text = self.construct_scalar(node)
        try:
            return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
        except ValueError:
            raise ConstructorError(None, None, "a number of too many digits", node.start_mark) from None


@dataclass(frozen=True)
class LinedValue:
    """A value of a file with its line; a mapping's and a list's contents are such values, too.

    Attributes:
        value: a plain value, a ``list[LinedValue]`` or a ``dict[str, LinedValue]``.
        line: number of the line of the value, or of its key.
    """

    value: Any
    line: int


class PortableDumper(yaml.SafeDumper):
    """Writes values so that readers of both versions understand them."""


for _name, (_pattern, _first) in _PLAIN.items():
    for _reader in (_Loader, PortableDumper):
        _reader.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(f"^(?:{_pattern})$"), list(_first))
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_whole)


def read_yaml(path: Path) -> Any:
    """Read a YAML file.

    Raises:
        ConfigError: the file cannot be read, is not valid YAML, or has a key twice.
    """
    try:
        return parsed_yaml(path.read_text(encoding="utf-8-sig"), path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not valid YAML: byte {error.start} is not valid UTF-8; save it as UTF-8") from None


def parsed_yaml(text: str, source: Path | str) -> Any:
    """Return the values in a YAML text; `source` is its name in messages.

    Raises:
        ConfigError: as in `read_yaml`.
    """
    try:
        values = yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        raise ConfigError(f"{source}: not valid YAML: {_told(error)}") from None
    except (yaml.YAMLError, RecursionError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ConfigError(f"{source}: not valid YAML: {reason}") from None
    if _count(values, {}) > _MOST_VALUES:
        raise ConfigError(f"{source}: its aliases expand to more than {_MOST_VALUES:,} values")
    return values


def lined_yaml(text: str, source: Path | str) -> LinedValue:
    """Return the values in a YAML text with their lines.

    Raises:
        ConfigError: as in `read_yaml`.
    """
    parsed_yaml(text, source)
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        return LinedValue(None, 1) if node is None else _lined(loader, node)
    finally:
        loader.dispose()


def _lined(loader: _Loader, node: yaml.Node) -> LinedValue:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        loader.flatten_mapping(node)
        entries = {str(loader.construct_object(key, deep=True)): (key, value) for key, value in node.value}
        inside = {
            name: LinedValue(_lined(loader, value).value, key.start_mark.line + 1)
            for name, (key, value) in entries.items()
        }
        return LinedValue(inside, line)
    if isinstance(node, yaml.SequenceNode):
        return LinedValue([_lined(loader, value) for value in node.value], line)
    return LinedValue(loader.construct_object(node, deep=True), line)


def yaml_text(values: Any, **options: Any) -> str:
    """Return values as YAML in their order; `options` are those of `yaml.dump`."""
    return yaml.dump(values, Dumper=PortableDumper, sort_keys=False, allow_unicode=True, **options)


def _told(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    where = f"line {mark.line + 1}: " if mark else ""
    if "'\\t'" in (error.problem or ""):
        return f"{where}a tab, which YAML does not allow there; use spaces"
    context = f" ({error.context})" if error.context else ""
    return f"{where}{error.problem}{context}"


def _count(values: Any, known: dict[int, float]) -> float:
    """Return the number of values, counting those of an alias every time; infinity if they contain themselves."""
    if not isinstance(values, dict | list):
        return 1
    if id(values) not in known:
        known[id(values)] = float("inf")  # while it is being counted
        inside = [*values, *values.values()] if isinstance(values, dict) else values
        known[id(values)] = 1 + sum(_count(value, known) for value in inside)
    return known[id(values)]
