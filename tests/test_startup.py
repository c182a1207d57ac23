"""What a command imports: nothing heavy that it does not use."""

import json
import subprocess
import sys

import pytest

from sets import write_pictures

HEAVY = ["torch", "torchvision", "spandrel", "lightning_fabric", "scipy", "skimage", "pydantic", "tensorboard", "lpips"]

PROBE = """
import json, sys
from patina.cli.main import main
try:
    code = main(sys.argv[1:])
except SystemExit as end:
    code = end.code
print(json.dumps([code, sorted({name.split(".")[0] for name in sys.modules})]))
"""


def imported_by(*arguments: object) -> set[str]:
    """Run a command; return the packages that are loaded at its end."""
    command = [sys.executable, "-c", PROBE, *map(str, arguments)]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    code, modules = json.loads(finished.stdout.splitlines()[-1])
    assert code == 0, finished.stderr
    return set(modules)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_loads_nothing_but_the_standard_library(arguments):
    assert not imported_by(*arguments) & {*HEAVY, "numpy", "cv2", "PIL", "yaml"}


@pytest.mark.parametrize(
    "command", ["evaluate", "upscale", "test", "degrade", "replay", "preview", "benchmark", "convert", "interpolate"]
)
def test_help_loads_nothing_heavy(command):
    assert not imported_by(command, "--help") & {*HEAVY}


@pytest.mark.slow
@pytest.mark.parametrize("command", ["translate", "validate", "report"])
def test_using_a_learned_degradation_loads_nothing_that_trains(command):
    used = imported_by(command, "--help")
    assert "torch" in used
    assert not used & {"lightning_fabric", "torchmetrics", "tensorboard", "torchvision", "spandrel", "lpips"}


@pytest.mark.slow
def test_upscaling_loads_nothing_that_trains(tmp_path):
    folders = ["-source", write_pictures(tmp_path / "in", 1), "-out", tmp_path / "out"]
    used = imported_by("upscale", "-model", "bicubic", "-scale", 2, *folders)
    assert "spandrel" in used
    assert not used & {"lightning_fabric", "torchmetrics", "tensorboard", "lpips"}


def test_evaluate_without_a_model(tmp_path):
    for folder in ("results", "truth"):
        write_pictures(tmp_path / folder, 2)
    used = imported_by("evaluate", "-results", tmp_path / "results", "-truth", tmp_path / "truth", "-no_lpips")
    assert {"numpy", "cv2"} <= used
    assert not used & {*HEAVY}


def test_prepare(tmp_path):
    write_pictures(tmp_path / "in", 1)
    used = imported_by(
        "prepare", "-source", tmp_path / "in", "-target", tmp_path / "out", "-scales", 1, 2, "-workers", 1
    )
    assert not used & {*HEAVY}
