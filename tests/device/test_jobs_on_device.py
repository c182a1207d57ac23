"""Whole jobs on the device of `--device`: their results are a processor's up to rounding, and every task trains."""

import json
import math

import numpy as np
import pytest
import torch

import small_deflow
import small_ludvae
from patina.cli.main import run_command
from patina.imaging.picture_files import read_picture, write_picture
from patina.metrics.psnr import psnr
from patina.models.generator_files import save_generator
from patina.models.rrdbnet import RRDBNetSettings
from sets import picture
from small_trainings import TASKS, write_sets, write_training

pytestmark = pytest.mark.slow

SAME_PSNR = 45.0
"""Lowest PSNR in dB of a device's results to the processor's: rounding moves a few 8-bit values by one level."""


def run(*words) -> int:
    return run_command(str(words[0]), [str(word) for word in words[1:]])


@pytest.fixture
def source(tmp_path):
    for number in range(2):
        write_picture(tmp_path / "in" / f"{number}.png", picture(number, 48, 64))
    return tmp_path / "in"


def alike(first, second) -> None:
    paths = sorted(first.rglob("*.png"))
    assert len(paths) == 2
    for path in paths:
        one, other = (read_picture(folder / path.relative_to(first)).pixels for folder in (first, second))
        assert one.std() > 1
        assert np.array_equal(one, other) or psnr(one, other) > SAME_PSNR


@pytest.mark.parametrize("precision", ["32", "bf16-mixed"])
def test_upscaling(source, tmp_path, device, precision):
    torch.manual_seed(3)
    network = RRDBNetSettings(scale=2, features=8, blocks=1, growth=4).build()
    with torch.no_grad():
        network.model[-1].weight *= 20
        network.model[-1].bias.fill_(0.4)
    save_generator(network, tmp_path / "sr.safetensors")
    words = ["-model", tmp_path / "sr.safetensors", "-source", source, "-tile", 32, "-overlap", 8]
    assert run("upscale", *words, "-out", tmp_path / "a", "-device", device, "-precision", precision) == 0
    assert run("upscale", *words, "-out", tmp_path / "b", "-device", "cpu", "-backend", "torch", "-precision", 32) == 0
    alike(tmp_path / "a", tmp_path / "b")


@pytest.mark.parametrize("small", [small_deflow, small_ludvae], ids=["deflow", "ludvae"])
def test_translating(source, tmp_path, device, small):
    words = ["-model_path", small.write_model(tmp_path / "m.safetensors"), "-source_dir", source, "-precision", 32]
    assert run("translate", *words, "-out_dir", tmp_path / "a", "-device", device) == 0
    assert run("translate", *words, "-out_dir", tmp_path / "b", "-device", "cpu") == 0
    alike(tmp_path / "a", tmp_path / "b")


def test_degrading_by_a_learned_block(source, tmp_path, device):
    model = small_ludvae.write_model(tmp_path / "m.safetensors")
    recipe = tmp_path / "recipe.yml"
    recipe.write_text(
        f"scale: 1\nsteps:\n  - learned: {{model: {model}}}\n  - jpeg: {{quality: 90}}\n", encoding="utf-8"
    )
    assert run("degrade", recipe, source, tmp_path / "a", "-device", device, "-workers", 1) == 0
    assert run("degrade", recipe, source, tmp_path / "b", "-device", "cpu", "-workers", 1) == 0
    alike(tmp_path / "a", tmp_path / "b")


@pytest.mark.parametrize("task", TASKS)
def test_training(tmp_path, device, task):
    config = write_training(write_sets(tmp_path), task, tmp_path / "runs")
    assert run("train", "-opt", config, "-device", device) == 0
    logged = [json.loads(line) for path in tmp_path.rglob("runs/**/*.jsonl") for line in path.open(encoding="utf-8")]
    numbers = [value for line in logged for value in line.values() if isinstance(value, float)]
    assert numbers
    assert all(math.isfinite(value) for value in numbers)
