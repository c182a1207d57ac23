"""What `patina COMMAND --help` says about flags."""

import argparse

import pytest

from patina.cli.commands import overview
from patina.cli.flags import add_flag
from patina.cli.main import COMMANDS, parser_of
from patina.cli.parser import CommandParser
from patina.degradations.deflow_degradation import TILE as DEFLOW_TILE
from patina.degradations.ludvae_degradation import TILE as LUDVAE_TILE


@pytest.mark.parametrize("command", COMMANDS)
def test_every_default_is_shown(command):
    actions = parser_of(command)._actions
    hidden = (False, argparse.SUPPRESS)
    silent = [
        action.dest
        for action in actions
        if not any(action.default is value for value in hidden)
        and action.option_strings
        and "(default" not in (action.help or "")
        and "(required)" not in action.help
    ]
    assert silent == []


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_no_folder_of_this_machine_and_no_default_twice(command):
    for action in parser_of(command)._actions:
        assert "(default: /" not in (action.help or "")
        assert (action.help or "").count("(default") <= 1


@pytest.mark.parametrize(
    ("default", "told"),
    [
        (0, "seed (default: 0)"),
        ([0, 1], "seed (default: 0 1)"),
        (None, "seed (default: none)"),
        ("auto", "seed (default: auto)"),
    ],
)
def test_the_help_ends_with_the_default(default, told):
    parser = CommandParser("patina x", "x")
    add_flag(parser, "seed", default=default, help="seed")
    assert parser._option_string_actions["-seed"].help == told


def test_a_flag_that_must_be_given_says_so():
    parser = CommandParser("patina x", "x")
    add_flag(parser, "opt", required=True, help="configuration")
    assert parser._option_string_actions["-opt"].help == "configuration (required)"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_fits_a_terminal(command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert [line for line in parser_of(command).format_help().splitlines() if len(line) > 80] == []


def test_the_overview_fits_a_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert [line for line in overview().splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("command", ["translate", "validate"])
def test_the_tile_of_every_kind_is_shown(command):
    help = parser_of(command)._option_string_actions["-tile"].help
    assert f"{DEFLOW_TILE} for deflow, {LUDVAE_TILE} for ludvae" in help


@pytest.mark.parametrize("command", COMMANDS)
def test_a_switch_that_is_not_given_is_false(command):
    switches = [action for action in parser_of(command)._actions if isinstance(action, argparse._StoreTrueAction)]
    assert [action.dest for action in switches if action.default is not False] == []
