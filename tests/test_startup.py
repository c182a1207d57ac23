"""What a command imports: nothing heavy that it does not use."""

import json
import subprocess
import sys

import pytest

from patina.cli.commands import COMMANDS
from patina.models.generator_files import save_generator
from patina.models.rrdbnet import RRDBNetSettings
from sets import write_pictures
from small_ludvae import write_model

HEAVY = ["torch", "torchvision", "spandrel", "lightning_fabric", "scipy", "skimage", "pydantic", "tensorboard", "lpips"]

PROBE = """
import json, sys
from patina.cli.main import main
codes, modules = [], []
for command in json.loads(sys.argv[1]):
    try:
        codes.append(main(command))
    except SystemExit as end:
        codes.append(end.code)
    modules.append(sorted({name.split(".")[0] for name in sys.modules}))
print(json.dumps([codes, modules]))
"""


def imported_by(*commands: list[object]) -> list[set[str]]:
    """Run commands in one fresh process; return the packages that are loaded after each."""
    given = json.dumps([list(map(str, command)) for command in commands])
    finished = subprocess.run([sys.executable, "-c", PROBE, given], capture_output=True, text=True, check=True)
    codes, modules = json.loads(finished.stdout.splitlines()[-1])
    assert codes == [0] * len(commands), finished.stderr
    return [set(after) for after in modules]


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_loads_nothing_but_the_standard_library(arguments):
    assert not imported_by(arguments)[-1] & {*HEAVY, "numpy", "cv2", "PIL", "yaml"}


def test_the_help_of_every_command_loads_nothing_but_the_standard_library():
    assert not imported_by(*([command, "--help"] for command in COMMANDS))[-1] & {*HEAVY, "numpy", "cv2", "PIL", "yaml"}


def test_a_mistyped_flag_loads_nothing_but_the_standard_library():
    probe = PROBE.replace("codes.append(end.code)", "codes.append(0)")
    given = json.dumps([["train", "-optt", "SR-demo"], ["translate", "-heet", "1"], ["trian"]])
    finished = subprocess.run([sys.executable, "-c", probe, given], capture_output=True, text=True, check=True)
    _, modules = json.loads(finished.stdout.splitlines()[-1])
    assert not {*modules[-1]} & {*HEAVY, "numpy", "cv2", "PIL", "yaml"}


@pytest.mark.slow
def test_translating_and_upscaling_load_nothing_that_trains(tmp_path):
    model = write_model(tmp_path / "final.safetensors")
    save_generator(RRDBNetSettings(scale=2, features=8, blocks=1, growth=4).build(), tmp_path / "sr.pth")
    source = write_pictures(tmp_path / "in", 1)
    translating, both = imported_by(
        ["translate", "-model_path", model, "-source", source, "-out", tmp_path / "translated"],
        ["upscale", "-model", tmp_path / "sr.pth", "-source", source, "-out", tmp_path / "upscaled"],
    )
    assert "torch" in translating
    assert not translating & {"torchvision", "spandrel"}
    assert "spandrel" in both
    assert not both & {"lightning_fabric", "torchmetrics", "tensorboard", "lpips"}


def test_interpolating_loads_nothing_of_networks(tmp_path):
    folders = ["-source", write_pictures(tmp_path / "in", 1), "-out", tmp_path / "out"]
    (used,) = imported_by(["upscale", "-model", "bicubic", "-scale", 2, *folders])
    assert not used & {*HEAVY}


def test_evaluate_without_a_model(tmp_path):
    for folder in ("results", "truth"):
        write_pictures(tmp_path / folder, 2)
    (used,) = imported_by(["evaluate", "-results", tmp_path / "results", "-truth", tmp_path / "truth", "-no_lpips"])
    assert {"numpy", "cv2"} <= used
    assert not used & {*HEAVY}


def test_prepare(tmp_path):
    write_pictures(tmp_path / "in", 1)
    folders = ["-source", tmp_path / "in", "-target", tmp_path / "out"]
    (used,) = imported_by(["prepare", *folders, "-scales", 1, 2, "-workers", 1])
    assert not used & {*HEAVY}
