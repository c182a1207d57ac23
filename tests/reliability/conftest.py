"""Inputs of every command, once for all tests of reliability."""

from functools import partial
from pathlib import Path

import pytest

from forked import run


@pytest.fixture(scope="session")
def inputs(tmp_path_factory) -> Path:
    """Return the folder of `small_commands.write_inputs`, made in a process of its own."""
    from small_commands import write_inputs

    folder = tmp_path_factory.mktemp("inputs") / "top"
    made = run(partial(write_inputs, folder), folder)
    assert made.code == 0, made
    return folder
