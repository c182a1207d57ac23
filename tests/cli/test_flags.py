"""How flags are written, and what is said about wrong ones."""

import pytest

from patina.cli.flags import add_flag
from patina.cli.main import COMMANDS, main, parser_of
from patina.cli.parser import CommandParser
from patina.version import __version__


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one line that a refused command prints."""
    try:
        code = main(words)
    except SystemExit as end:
        code = end.code
    printed = capsys.readouterr()
    assert (code, printed.out) == (2, "")
    (line,) = printed.err.splitlines()
    return line


@pytest.mark.parametrize("command", COMMANDS)
def test_every_flag_has_one_dash_or_two(command):
    parser = parser_of(command)
    bare = {flag.lstrip("-") for flag in parser.known} - {"h"}
    accepted = set(parser._option_string_actions)
    assert {"help"} < bare
    assert {f"{dashes}{flag}" for flag in bare for dashes in ("-", "--")} == accepted - {"-h"}


@pytest.mark.parametrize("words", [["-json"], ["--json"], ["-dry-run"], ["--dry-run"]])
def test_a_flag_is_the_same_in_a_group(words):
    parser = CommandParser("patina x", "x")
    parser.add_argument("--json", action="store_true")
    add_flag(parser.add_argument_group("training"), "dry-run", action="store_true", help="check only")
    given = vars(parser.parsed(words))
    assert [name for name, value in given.items() if value] == [words[0].lstrip("-")]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["train", "-opt", "SR-demo", "-dryrun"], "unknown flag -dryrun, did you mean -dry-run?"),
        (["train", "--Opt", "SR-demo"], "unknown flag --Opt, did you mean --opt?"),
        (["fit", "-sc", "4"], "unknown flag -sc; `patina fit --help` lists all flags"),
        (["fit", "CLEAN"], "missing: real; expected, for example, `patina fit "),
        (["fit", "A", "B", "C"], "unexpected: C; "),
        (["upscale", "-model", "x", "-source", "y", "-out", "z", "-device", "gpu"], "-device: unknown value 'gpu' "),
        (["Fit"], "unknown command Fit, did you mean `patina fit`?; `patina --help` lists all commands"),
        (["help", "upscal"], "unknown command upscal, did you mean `patina upscale`?"),
        (["xyzzy"], "unknown command xyzzy; `patina --help` lists all commands"),
        (["-device", "cpu", "fit"], "flags follow a command, found -device; "),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line_that_suggests_what_was_meant(words, told, capsys):
    assert refused(words, capsys).startswith(f"error: {told}")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["train", "-opt", "DeFlow-our-rwsr", "-dry-run"], "did you mean DeFlow-Our-RWSR?"),
        (["train", "-opt", "realplksr.yml", "--dry-run"], "did you mean RealPLKSR?"),
        (["degrade", "Web_Photos", "in", "out"], "did you mean web-photo?"),
        (["degrade", "realesrgan", "in", "out"], "did you mean real-esrgan?"),
        (["configs", "-copy", "luddif"], "did you mean LUDDIF-toy?"),
        (["recipes", "-copy", "Wide"], "did you mean wide?"),
    ],
)
def test_misspelt_configurations_and_recipes_are_guessed(words, told, capsys):
    assert refused(words, capsys).endswith(told)


def test_a_configuration_is_not_guessed_for_a_recipe_whose_name_it_only_contains(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert "did you mean" not in refused(["degrade", "fitted.yml", "in", "out"], capsys)


def test_a_file_beside_the_misspelt_one_is_guessed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("fitted.yml", "night/street.yml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("steps: []")
    assert refused(["degrade", "Fited.yml", "in", "out"], capsys).endswith("did you mean fitted.yml?")
    assert refused(["degrade", "night/streat.yml", "in", "out"], capsys).endswith("did you mean night/street.yml?")


@pytest.mark.parametrize("words", [["help", "convert"], ["convert", "-h"], ["convert", "-help"], ["convert", "--help"]])
def test_help_of_a_command(words, capsys):
    with pytest.raises(SystemExit) as end:
        main(words)
    printed = capsys.readouterr().out
    assert end.value.code == 0
    assert "usage: patina convert" in printed
    assert f"Example: patina {COMMANDS['convert'].example}" in printed


@pytest.mark.parametrize("words", [["help"], ["--help"], ["-help"], ["-h"]])
def test_the_overview_shows_every_command_with_its_example(words, capsys):
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert [line for line in COMMANDS if f"\n  {line} " not in printed] == []
    assert [one.example for one in COMMANDS.values() if f"patina {one.example}\n" not in printed] == []


@pytest.mark.parametrize("word", ["-version", "--version"])
def test_version(word, capsys):
    assert main([word]) == 0
    assert capsys.readouterr().out == f"patina {__version__}\n"
