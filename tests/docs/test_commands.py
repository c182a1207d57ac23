"""The commands that README, docs and configurations show have the flags that they are shown with."""

import argparse
import importlib
import re
import shlex
from pathlib import Path

import pytest

from patina.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
CONFIGURATIONS = [*ROOT.glob("confs/**/*.yml")]


def shown_commands() -> set[str]:
    """Return every command line that begins with `patina` in the pages' code and in configurations' comments."""
    pages = [page.read_text(encoding="utf-8") for page in PAGES]
    code = [block for page in pages for block in re.findall(r"```\n(.*?)```", page, flags=re.S)]
    code += [span for page in pages for span in re.findall(r"`(patina [a-z][^`\n]*)`", page)]
    code += [re.sub(r"^# *", "", path.read_text(encoding="utf-8"), flags=re.M) for path in CONFIGURATIONS]
    lines = "\n".join(code).replace("\\\n", " ").splitlines()
    return {part.strip() for line in lines if line.startswith("patina ") for part in line.split("#")[0].split("&&")}


def parser_of(command: str) -> argparse.ArgumentParser:
    """Return the parser of a command's flags."""
    parser = argparse.ArgumentParser()
    importlib.import_module(f"patina.cli.{command.replace('-', '_')}").add_arguments(parser)
    return parser


def test_the_page_of_commands_lists_every_command():
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `patina ([a-z-]+)", page, flags=re.M)) == set(COMMANDS)


@pytest.mark.parametrize("line", sorted(shown_commands()))
def test_shown_commands_and_flags_are_known(line):
    _, command, *words = shlex.split(line)
    flags = [word for word in words if re.match(r"--?[a-z]", word)]
    known = parser_of(command)._option_string_actions
    assert [flag for flag in flags if flag not in known] == []
