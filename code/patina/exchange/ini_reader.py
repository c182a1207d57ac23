"""Typed values of Dataset Destroyer's `config.ini`, with their lines."""

import configparser
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from patina.errors import ConfigError
from patina.exchange.conversion import Remarks
from patina.exchange.lined_values import read_text

_HEADER = re.compile(r"\[([^\]]+)\]")
_KEY = re.compile(r"([^\s#;=:][^=:]*?)\s*[=:]")

NOT_RECIPES = {
    "main": {"input_folder", "output_folder", "output_format", "print", "textfile", "textfile_path"},
}
"""Settings about files rather than pictures; the command line or the log covers them."""


class IniReader:
    """Typed values of an INI file; records which settings were read.

    Attributes:
        path: the file.
        remarks: what the user should know about the conversion.
    """

    def __init__(self, path: Path, remarks: Remarks):
        """Read a file.

        Raises:
            ConfigError: it cannot be read or is no INI file.
        """
        self.path, self.remarks = path, remarks
        self._asked: set[tuple[str, str]] = set()
        self._ini = configparser.ConfigParser(interpolation=None)
        text = read_text(path)
        try:
            self._ini.read_string(text)
        except configparser.MissingSectionHeaderError:
            raise ConfigError(f"{path}: does not start with a [section]; expected Dataset Destroyer's INI") from None
        except configparser.Error as error:
            raise ConfigError(f"{path}: not a valid INI file: {' '.join(str(error).split())}") from None
        self._lines = _lines(text)

    def line(self, section: str, key: str = "") -> int | None:
        """Return the line of a setting, or of a section."""
        return self._lines.get((section, key.lower()))

    def remark(self, text: str, section: str = "", key: str = "") -> None:
        """Keep a remark for the user, with the line of a setting if one is given."""
        self.remarks.add(text, self.line(section, key) if section else None)

    def lost(self, what: str, section: str, key: str = "") -> None:
        """Keep the remark that something in a setting has no counterpart."""
        self.remarks.lost(what, self.line(section, key))

    def has(self, section: str, key: str) -> bool:
        """Return whether the file has a setting."""
        return self._ini.has_option(section, key)

    def text(self, section: str, key: str, default: str | None = None) -> str:
        """Return a setting as text.

        Raises:
            ConfigError: it is missing and has no default.
        """
        self._asked.add((section, key))
        value = self._ini.get(section, key, fallback=default)
        if value is None:
            where = f", line {line}" if (line := self.line(section)) else ""
            raise ConfigError(f"{self.path}{where}: {section}.{key} is missing, expected a value")
        return value.strip()

    def names(self, section: str, key: str) -> list[str]:
        """Return a list of names separated by commas."""
        return [name.strip() for name in self.text(section, key).split(",") if name.strip()]

    def number(self, section: str, key: str, default: float) -> float:
        """Return a number."""
        return self._parsed(section, key, str(default), _finite, "a number")

    def flag(self, section: str, key: str, default: bool) -> bool:
        """Return a truth value."""
        return self._parsed(section, key, str(default), _boolean, "True or False")

    def ends(self, section: str, key: str, factor: float = 1.0) -> tuple[float, float]:
        """Return a range times `factor`, low end first."""
        low, high = self._parsed(section, key, None, _pair, "two numbers separated by a comma")
        return min(low, high) * factor, max(low, high) * factor

    def kinds(self, section: str) -> list[str]:
        """Return the algorithms of a family; only the first unless they are drawn at random."""
        found = self.names(section, "algorithms")
        return found if self.flag(section, "randomize", True) else found[:1]

    def note_unused(self) -> None:
        """Remark on every setting that was not read."""
        for section in self._ini.sections():
            for key in self._ini[section]:
                known = (section, key) in self._asked or key in NOT_RECIPES.get(section, ())
                if not known and section != "likelihood":
                    self.remark(f"{section}.{key}: not used", section, key)

    def _parsed(self, section: str, key: str, default: str | None, parse: Callable[[str], Any], what: str) -> Any:
        text = self.text(section, key, default)
        try:
            return parse(text)
        except ValueError:
            where = f", line {line}" if (line := self.line(section, key)) else ""
            raise ConfigError(f"{self.path}{where}: {section}.{key} is {text!r}, expected {what}") from None


def _boolean(text: str) -> bool:
    if text.lower() not in configparser.ConfigParser.BOOLEAN_STATES:
        raise ValueError(text)
    return configparser.ConfigParser.BOOLEAN_STATES[text.lower()]


def _pair(text: str) -> tuple[float, float]:
    low, high = (_finite(part) for part in text.split(","))
    return low, high


def _finite(text: str) -> float:
    if not math.isfinite(value := float(text)):
        raise ValueError(text)
    return value


def _lines(text: str) -> dict[tuple[str, str], int]:
    """Return the lines of sections, whose key is empty, and of settings."""
    found: dict[tuple[str, str], int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            section = header[1]
            found.setdefault((section, ""), number)
        elif key := _KEY.match(line):
            found.setdefault((section, key[1].strip().lower()), number)
    return found
