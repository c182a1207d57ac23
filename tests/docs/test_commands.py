"""The commands that README, docs and configurations show can be typed as they are shown."""

import re
import shlex
from pathlib import Path

import pytest

from patina.cli.main import COMMANDS, parsed, parser_of
from patina.errors import PatinaError

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
CONFIGURATIONS = [*ROOT.glob("confs/**/*.yml")]


def command_lines(text: str) -> set[str]:
    """Return every command of `patina` in a text; a remark begins with #."""
    lines = text.replace("\\\n", " ").splitlines()
    lines = [line.replace("$SLURM_ARRAY_TASK_ID", "1") for line in lines]
    parts = (part.strip() for line in lines for part in line.split("#")[0].split("&&"))
    return {re.sub(r"^(\w+=\S+ )+", "", part) for part in parts if re.match(r"(\w+=\S+ )*patina ", part)}


def code_commands() -> set[str]:
    """Return the commands in code blocks and in configurations' comments, which readers copy.

    Blocks that begin with ``$ `` also hold output; docs/make_outputs.py has run their commands.
    """
    pages = [page.read_text(encoding="utf-8") for page in PAGES]
    code = [block for page in pages for block in re.findall(r"```(?:sh|bash|console)?\n(.*?)```", page, flags=re.S)]
    code = [block for block in code if not block.startswith("$ ")]
    code += [re.sub(r"^# *", "", path.read_text(encoding="utf-8"), flags=re.M) for path in CONFIGURATIONS]
    return command_lines("\n".join(code))


def mentioned_commands() -> set[str]:
    """Return the commands within sentences and tables, which may leave out what the reader knows."""
    pages = [page.read_text(encoding="utf-8") for page in PAGES]
    spans = (span for page in pages for span in re.findall(r"`([^`\n]*patina [a-zA-Z][^`\n]*)`", page))
    return command_lines("\n".join(spans))


def why_refused(line: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Parse a command as `patina` does; return what it says against it."""
    _, command, *words = shlex.split(line)
    try:
        parsed(command, words)
    except PatinaError as error:
        return str(error)
    except SystemExit:
        return capsys.readouterr().err
    return ""


def test_the_page_of_commands_lists_every_command():
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `patina ([a-z-]+)", page, flags=re.M)) == set(COMMANDS)


@pytest.mark.parametrize("line", [f"patina {command.example}" for command in COMMANDS.values()])
def test_the_examples_of_the_help_can_be_typed(line, capsys):
    assert why_refused(line, capsys) == ""


@pytest.mark.parametrize("line", sorted(code_commands()))
def test_commands_in_code_can_be_copied(line, capsys):
    assert why_refused(line, capsys) == ""


@pytest.mark.parametrize("line", sorted(mentioned_commands() - code_commands()))
def test_mentioned_commands_have_known_flags(line):
    _, command, *words = shlex.split(line)
    flags = [word for word in words if re.match(r"--?[a-z]", word)]
    known = ["--help"] if command in ("COMMAND", "help") else parser_of(command).known
    assert [flag for flag in flags if flag not in known] == []


def test_a_missing_flag_that_others_need_is_seen(capsys):
    assert "-out is missing" in why_refused("patina evaluate -model bicubic -set held lq gt", capsys)
    assert "missing: real" in why_refused("patina fit CLEAN", capsys)
    assert "unknown flag -scaled, did you mean -scale?" in why_refused("patina fit CLEAN REAL -scaled 4", capsys)
