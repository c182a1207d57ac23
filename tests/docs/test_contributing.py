"""What CONTRIBUTING.md says works as it is written."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from patina.degradations import base, colour
from patina.metrics import full_reference

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
NEW = "code/patina/metrics/mae.py"
FILES = sorted(set(re.findall(r"`((?:tests|docs|code|confs)/[\w./-]+)`", TEXT)) - {NEW})


def snippet(part: str) -> str:
    """Return the code in which a part occurs."""
    return next(code for code in re.findall(r"```\w*\n(.*?)```", TEXT, re.S) if part in code)


@pytest.mark.parametrize("name", FILES)
def test_the_files_that_it_names_exist(name):
    assert (ROOT / name).exists()


def test_the_metric_is_a_whole_file_and_a_row():
    names: dict = {}
    exec(snippet("def mae"), names)
    images = np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 51, np.uint8)
    assert names["mae"](*images) == pytest.approx(51)
    assert snippet("Metric(").startswith("Metric(")  # a formatter would make a tuple of a row in Python
    (row,) = eval(f"({snippet('Metric(')})", vars(full_reference) | names)
    assert row.heading == "MAE (8-bit) ↓"
    assert row.open("cpu") is names["mae"]


def test_the_operation_is_a_whole_class(monkeypatch):
    operations: dict = {}
    monkeypatch.setattr(base, "OPERATIONS", operations)
    exec(snippet("class Haze"), dict(vars(colour)))
    haze = operations["haze"](strength=(0.5, 0.5))
    drawn = haze.draw(np.random.default_rng(0), base.Frame((9, 9), (9, 9), (9, 9)))
    image = np.array([[[0, 0.5, 1]]], np.float32)
    np.testing.assert_allclose(haze.apply(image, drawn, 0), [[[0.5, 0.75, 1]]])


def test_a_sheet_of_an_operation_without_a_section_is_one_line():
    command = [sys.executable, "docs/recipes/make_pictures.py", "no_such_operation"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "no section ### no_such_operation" in done.stderr
