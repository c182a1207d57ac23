"""Completions of a command line: commands, flags, values, and the names of shipped configurations and recipes."""

import argparse
from collections.abc import Iterable, Sequence

from patina.cli.command_modules import parser_of
from patina.cli.commands import COMMANDS
from patina.cli.parser import CommandParser
from patina.degradations.knobs import HANDLES
from patina.imaging.interpolation_names import INTERPOLATIONS
from patina.shipped import CONFS, MODELS, shipped_files, shipped_root

_CONFIGS, _RECIPES, _FAMILIES = (CONFS,), (f"{CONFS}/recipes",), (f"{CONFS}/families",)
_FOLDERS = {
    ("configs", "copy"): _CONFIGS,
    ("recipes", "copy"): _RECIPES + _FAMILIES,
    ("fit", "recipe"): _FAMILIES + _RECIPES,
    ("fit", "learn"): _CONFIGS,
    ("toy", "config"): _CONFIGS,
    ("gap", "config"): _CONFIGS,
}
"""Where the names lie that a command's argument may have; `recipe`, `opt` and `restorer` mean one thing elsewhere."""

_WORDS = {"learn": tuple(HANDLES), "model": (*INTERPOLATIONS, *MODELS.values())}
"""Other words that an argument may have."""


def candidates(words: Sequence[str]) -> list[str]:
    """Return what the last word may become.

    Args:
        words: after ``patina``, the last of them half typed or empty.

    Returns:
        Whole words; empty where a file is expected, or nothing known.
    """
    *before, last = words or [""]
    if not before or before == ["help"]:
        known: Iterable[str] = [*COMMANDS, *([] if before else ["help", "--help", "--version"])]
    elif before[0] in COMMANDS:
        known = _in_command(before[0], before[1:], last)
    else:
        known = []
    return [word for word in dict.fromkeys(known) if word.startswith(last)]


def _in_command(command: str, before: Sequence[str], last: str) -> Iterable[str]:
    parser = parser_of(command)
    if last.startswith("-"):
        return _flags(parser, last)
    action = _expected(parser, before)
    return () if action is None else _values(command, action)


def _flags(parser: CommandParser, last: str) -> list[str]:
    """Return the flags, each as it is documented, or with two dashes if two are typed."""
    documented = [action.option_strings[0] for action in parser._actions if action.option_strings]
    both = [flag for flag in parser.known if flag.startswith("--")] if last.startswith("--") else documented
    return sorted(both, key=lambda flag: flag.lstrip("-"))


def _expected(parser: CommandParser, before: Sequence[str]) -> argparse.Action | None:
    """Return the argument that the next word belongs to: of the flag before it, or else the next positional one."""
    by_flag = {flag: action for action in parser._actions for flag in action.option_strings}
    open_flag, left, position = None, 0, 0
    for word in before:
        if word in by_flag:
            open_flag = by_flag[word]
            left = _most_values(open_flag)
        elif left > 0:
            left -= 1
        else:
            position += 1
    if open_flag is not None and left > 0:
        return open_flag
    positional = [action for action in parser._actions if not action.option_strings]
    return positional[position] if position < len(positional) else None


def _most_values(action: argparse.Action) -> int:
    """Return how many words a flag takes at most."""
    if action.nargs is None or action.nargs == "?":
        return 1
    return action.nargs if isinstance(action.nargs, int) else 10**6


def _values(command: str, action: argparse.Action) -> Iterable[str]:
    if action.choices is not None:
        return map(str, action.choices)
    if command == "schema" and action.dest == "kind":
        return sorted(path.stem for path in (shipped_root() / CONFS / "schemas").glob("*.json"))
    named = {"opt": _CONFIGS, "restorer": _CONFIGS, "recipe": _RECIPES}
    folders = _FOLDERS.get((command, action.dest), named.get(action.dest, ()))
    names = [path.stem for folder in folders for path in shipped_files(folder)]
    several = [word for word in action.default if isinstance(word, str)] if isinstance(action.default, list) else []
    return [*_WORDS.get(action.dest, ()), *names, *several]
