"""Typed values of another tool's configuration; what nobody asked for is named with its line."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from patina.errors import ConfigError
from patina.exchange.conversion import Remarks
from patina.exchange.lined_values import plain
from patina.system.yaml_files import LinedValue


class Section:
    """A mapping in a configuration; records which of its keys were read.

    Attributes:
        line: line of the mapping in the file.
        source: the file.
        remarks: what the user should know about the conversion.
        name: how remarks name the mapping, e.g. "noise"; empty for the whole file.
    """

    def __init__(self, node: LinedValue, source: Path, remarks: Remarks, name: str = ""):
        """Wrap a mapping.

        Raises:
            ConfigError: it is something else.
        """
        if not isinstance(node.value, dict):
            what = name or "the file"
            raise ConfigError(f"{source}, line {node.line}: {what} holds {_shown(node)}, expected keys and values")
        self.line, self.source, self.remarks, self.name = node.line, source, remarks, name
        self._entries: dict[str, LinedValue] = {str(key): entry for key, entry in node.value.items()}
        self._read: set[str] = set()
        self._inside: dict[str, list[Section]] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._entries and self._entries[key].value is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def line_of(self, key: str) -> int:
        """Return the line of a key, or the mapping's own if it lacks the key."""
        return self._entries[key].line if key in self._entries else self.line

    def value(self, key: str, default: Any = None) -> Any:
        """Return a value as it is, or `default` if it is missing or null."""
        self._read.add(key)
        return plain(self._entries[key]) if key in self else default

    def number(self, key: str, default: float | None = None) -> float:
        """Return a number.

        Raises:
            ConfigError: it is something else, or missing without a default.
        """
        value = self._wanted(key, default, "a number")
        return float(value) if is_number(value) else self.refuse(key, "a number")

    def flag(self, key: str, default: bool = False) -> bool:
        """Return a truth value."""
        value = self._wanted(key, default, "true or false")
        return value if isinstance(value, bool) else bool(self.refuse(key, "true or false"))

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text."""
        value = self._wanted(key, default, "a text")
        return value if isinstance(value, str) else str(self.refuse(key, "a text"))

    def names(self, key: str, default: list[str] | None = None) -> list[str]:
        """Return a list of texts; a single one counts as a list."""
        value = self._wanted(key, default, "a list of names")
        value = [value] if isinstance(value, str) else value
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            self.refuse(key, "a list of names")
        return value

    def numbers(self, key: str, default: list[float] | None = None) -> list[float]:
        """Return a list of numbers; a single one counts as a list."""
        value = self._wanted(key, default, "a list of numbers")
        value = [value] if is_number(value) else value
        if not isinstance(value, list) or not value or not all(map(is_number, value)):
            self.refuse(key, "a list of numbers")
        return [float(number) for number in value]

    def ends(self, key: str, default: tuple[float, float] | None = None) -> tuple[float, float]:
        """Return the two ends of a range, low end first; a third number, its step, counts for nothing."""
        values = self.numbers(key, None if default is None else list(default))
        if len(values) > 3:
            self.refuse(key, "a range of two numbers")
        low, high = values[0], values[min(1, len(values) - 1)]
        return min(low, high), max(low, high)

    def section(self, key: str) -> "Section | None":
        """Return a mapping inside, or None if it is missing; a list of one mapping, as HCL's blocks are, counts."""
        found = self.sections(key)
        if len(found) > 1:
            self.refuse(key, "one block")
        return found[0] if found else None

    def sections(self, key: str) -> "list[Section]":
        """Return the mappings in a list; a single mapping counts as a list."""
        self._read.add(key)
        if key in self and key not in self._inside:
            entry = self._entries[key]
            entries = entry.value if isinstance(entry.value, list) else [entry]
            found = [Section(inside, self.source, self.remarks, self.named(key)) for inside in entries]
            self._inside[key] = found
        return self._inside.get(key, [])

    def named(self, key: str) -> str:
        """Return how remarks name a key."""
        return f"{self.name}.{key}" if self.name else key

    def skip(self, *keys: str) -> None:
        """Count keys as read that are about files or speed, not about images."""
        self._read |= set(keys)

    def differs(self, key: str, text: str) -> None:
        """Remark on what a key becomes."""
        self._read.add(key)
        self.remarks.add(f"{self.named(key)}: {text}", self.line_of(key))

    def lost(self, *keys: str, what: str = "") -> None:
        """Remark that keys that are present, or `what` they name, have no counterpart."""
        for key in keys:
            self._read.add(key)
            if key in self:
                self.remarks.lost(f"{self.named(key)}{what and ' '}{what}", self.line_of(key))

    def finish(self) -> None:
        """Remark on every key that nobody read, here and in the mappings inside."""
        for key, entry in self._entries.items():
            if key not in self._read:
                self.remarks.add(f"{self.named(key)}: unknown, not used", entry.line)
        for sections in self._inside.values():
            for inside in sections:
                inside.finish()

    def refuse(self, key: str, expected: str) -> Any:
        """Raise the error that a key holds something else than expected, or is missing."""
        if key not in self:
            raise ConfigError(f"{self.source}, line {self.line}: {self.named(key)} is missing, expected {expected}")
        found = _shown(self._entries[key])
        raise ConfigError(f"{self.source}, line {self.line_of(key)}: {self.named(key)} is {found}, expected {expected}")

    def _wanted(self, key: str, default: Any, expected: str) -> Any:
        value = self.value(key, default)
        return self.refuse(key, expected) if value is None else value


def is_number(value: Any) -> bool:
    """Return whether a value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _shown(node: LinedValue) -> str:
    text = repr(plain(node))
    return text if len(text) <= 60 else f"{text[:57]}..."
