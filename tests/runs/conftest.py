"""Fixtures of output folders."""

import pytest
from folder_commands import write


@pytest.fixture
def source(tmp_path):
    for name in ("a", "b", "c"):
        write(tmp_path / "in" / f"{name}.txt", f"text of {name}")
    return tmp_path / "in"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"
