"""Typed values of Dataset Destroyer's `config.ini`."""

import configparser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from patina.errors import ConfigError

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

    def __init__(self, path: Path):
        """Read a file.

        Raises:
            ConfigError: it cannot be read or is no INI file.
        """
        self.path = path
        self.remarks: list[str] = []
        self._asked: set[tuple[str, str]] = set()
        self._ini = configparser.ConfigParser(interpolation=None)
        try:
            with path.open(encoding="utf-8-sig") as stream:
                self._ini.read_file(stream)
        except OSError as error:
            raise ConfigError(f"{path}: cannot be read ({error.strerror}); expected a config.ini") from None
        except configparser.MissingSectionHeaderError:
            raise ConfigError(
                f"{path}: does not start with a [section]; expected Dataset Destroyer's config.ini (the HCL files of "
                "wtp_dataset_destroyer are not supported)"
            ) from None
        except (configparser.Error, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: not a valid config.ini: {' '.join(str(error).split())}") from None

    def remark(self, text: str) -> None:
        """Keep a remark for the user, once."""
        if text not in self.remarks:
            self.remarks.append(text)

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
            raise ConfigError(f"{self.path}: {section}.{key} is missing, expected a value")
        return value.strip()

    def names(self, section: str, key: str) -> list[str]:
        """Return a list of names separated by commas."""
        return [name.strip() for name in self.text(section, key).split(",") if name.strip()]

    def number(self, section: str, key: str, default: float) -> float:
        """Return a number."""
        return self._parsed(section, key, str(default), float, "a number")

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
                    self.remark(f"{section}.{key}: not used")

    def _parsed(self, section: str, key: str, default: str | None, parse: Callable[[str], Any], what: str) -> Any:
        text = self.text(section, key, default)
        try:
            return parse(text)
        except ValueError:
            raise ConfigError(f"{self.path}: {section}.{key} is {text!r}, expected {what}") from None


def _boolean(text: str) -> bool:
    if text.lower() not in configparser.ConfigParser.BOOLEAN_STATES:
        raise ValueError(text)
    return configparser.ConfigParser.BOOLEAN_STATES[text.lower()]


def _pair(text: str) -> tuple[float, float]:
    low, high = (float(part) for part in text.split(","))
    return low, high
