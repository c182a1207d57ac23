"""The parser of every command: one dash or two, defaults in the help, and one-line messages that suggest a flag."""

import argparse
import re
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from patina.hints import nearest_name

HELP_WIDTH = 24
"""Columns that flags take in a help text before their meaning begins."""


_MISSING = "missing: "
_WORDING = {
    "the following arguments are required: ": _MISSING,
    "unrecognized arguments: ": "unexpected: ",
    "argument ": "",
    "invalid choice: ": "unknown value ",
}
"""What argparse says, and what users read."""


DASHES = "Every flag can be written with one dash or with two."


class FlagHelp(argparse.HelpFormatter):
    """Lays out a help text for the terminal, with every flag once, as it is written in the documentation."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=HELP_WIDTH)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """Wrap every line of a text by itself."""
        wrapper = textwrap.TextWrapper(width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
        return "\n".join(map(wrapper.fill, text.splitlines()))

    def _format_action_invocation(self, action: argparse.Action) -> str:
        """Return a flag with its aliases and one placeholder for its value."""
        if not action.option_strings:
            return super()._format_action_invocation(action)
        once = {spelling.lstrip("-"): spelling for spelling in reversed(action.option_strings)}
        value = self._format_args(action, action.dest.upper()) if action.nargs != 0 else ""
        return f"{', '.join(reversed(once.values()))} {value}".rstrip()


class _Flags(argparse._ActionsContainer):
    """A place for flags that registers each with one dash and with two, and ends its help with the default."""

    known: list[str]

    def add_argument(self, *names: str, **options: Any) -> argparse.Action:
        """Add an argument as argparse does; names of one letter have one dash only."""
        if names and names[0].startswith("-"):
            names = tuple(spelling for name in names for spelling in _spellings(name))
            self.known += names
        text = str(options.get("help", ""))
        if told := _told_default(options, is_flag=bool(names) and names[0].startswith("-")):
            options["help"] = text if "(default" in text else f"{text} ({told})"
        return super().add_argument(*names, **options)


class _FlagGroup(_Flags, argparse._ArgumentGroup):
    def __init__(self, container: "CommandParser", *arguments: Any, **options: Any) -> None:
        super().__init__(container, *arguments, **options)
        self.known = container.known


class CommandParser(_Flags, argparse.ArgumentParser):
    """Parser of one command.

    Args:
        program: the name that the help shows; None for the name of the script.
        description: what the command does.
        example: a whole command to copy; none if empty.
    """

    def __init__(self, program: str | None, description: str | None, example: str = "") -> None:
        self.known, self._example = [], example
        super().__init__(
            prog=program, description=description, allow_abbrev=False, formatter_class=FlagHelp,
            epilog=f"Example: {example}\n{DASHES}" if example else DASHES,
        )  # fmt: skip

    def add_argument_group(self, *arguments: Any, **options: Any) -> argparse._ArgumentGroup:
        """Add a titled group of flags."""
        group = _FlagGroup(self, *arguments, **options)
        self._action_groups.append(group)
        return group

    def parsed(self, words: Sequence[str] | None) -> argparse.Namespace:
        """Parse the words of a command line, by default those of this process.

        Raises:
            SystemExit: the help was asked for, or a flag is unknown, misused or missing; it has been printed.
        """
        words = sys.argv[1:] if words is None else list(words)
        self._refuse_unknown(words)
        return self.parse_args(words)

    def _refuse_unknown(self, words: Sequence[str]) -> None:
        """Refuse words that look like flags but are none, before argparse says that something else is missing."""
        before = words[: words.index("--")] if "--" in words else words
        for word in before:
            flag = word.split("=")[0]
            if re.match(r"--?[A-Za-z]", word) and " " not in word and flag not in self.known:
                dashes = flag[: len(flag) - len(flag.lstrip("-"))]
                found = nearest_name(flag, dict.fromkeys(name.lstrip("-") for name in self.known))
                self.error(f"unknown flag {flag}" + (f", did you mean {dashes}{found}?" if found else ""))

    def error(self, message: str) -> NoReturn:
        """Print what is wrong in one line, and end with exit code 2."""
        message = re.sub(r"(-[\w-]+)(?:/-[\w-]+)+", r"\1", message)  # argparse lists all spellings of a flag
        for theirs, ours in _WORDING.items():
            message = message.replace(theirs, ours)
        if message.startswith(_MISSING) and self._example:
            message = f"{message}; expected, for example, `{self._example}`"
        print(f"error: {message}; `{self.prog} --help` lists all flags", file=sys.stderr)
        sys.exit(2)


def _told_default(options: Mapping[str, Any], is_flag: bool) -> str:
    """Return the default as the help text names it; empty for switches and positional arguments."""
    default = options.get("default")
    if options.get("required", False):
        return "required"
    if "store_true" in str(options.get("action")) or default is argparse.SUPPRESS or (default is None and not is_flag):
        return ""
    values = default if isinstance(default, list | tuple) else ["none" if default is None else default]
    return f"default: {' '.join(map(str, values))}"


def _spellings(name: str) -> tuple[str, ...]:
    """Return a flag as it was written, and with the other number of dashes."""
    bare = name.lstrip("-")
    if len(bare) == 1:
        return (name,)
    return (name, f"-{bare}" if name.startswith("--") else f"--{bare}")
