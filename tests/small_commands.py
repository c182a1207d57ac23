"""Every command that writes, on tiny inputs, and what must not depend on how it was interrupted."""

import importlib
import os
import pkgutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from forked import Work, command
from patina.cli.main import run_command
from patina.imaging.picture_files import write_picture
from patina.pipelines import recipe_fit
from patina.pipelines.recipe_fit import FitRequest
from patina.runs.run_log import read_log
from sets import contents, write_config, write_deflow_model, write_pictures
from small_photographs import photographs
from small_trainings import TASKS, results, write_sets, write_training

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported, also where the tests' settings are not read

from torch.utils.tensorboard import SummaryWriter  # noqa: F401 - trainings import it when they begin

import patina
from patina import torchvision_shim

torchvision_shim.ensure()
from diffusers import UNet2DModel  # noqa: E402, F401 - likewise

for module in pkgutil.walk_packages(patina.__path__, "patina."):
    if not module.name.endswith("__main__"):  # commands import what they use when they are called
        importlib.import_module(module.name)

FAMILY = {"scale": 1, "steps": [{"gaussian_noise": {"sigma": {"free": [0, 30]}}}]}
NOISE = [{"gaussian_noise": {"sigma": [2, 20]}}, {"resize": {"filter": "box", "of": "target"}}]


def write_inputs(top: Path) -> int:
    """Write pictures, sets, photos, a model, a recipe and results to evaluate; return 0."""
    rng = np.random.default_rng(7)
    write_sets(top)
    write_pictures(top / "in", 4, height=32, width=32)
    write_pictures(top / "results", 4, noise=5, height=32, width=32)
    write_deflow_model(top / "model")
    write_config(top / "noise.yml", {"scale": 2, "steps": NOISE})
    write_config(top / "family.yml", FAMILY)
    for part, crops in photographs().items():
        for number, pixels in enumerate(crops):
            small = pixels[:96, :96]
            noisy = np.clip(np.rint(small + rng.normal(0, 8.0 * (part == "real"), small.shape)), 0, 255)
            write_picture(top / "photos" / part / f"{number}.png", noisy.astype(np.uint8))
    return 0


def _fit(arguments: list[str]) -> int:
    recipe_fit.FitRequest = partial(FitRequest, samples=8)
    return run_command("fit", arguments)


def fit(top: Path, out: Path, *more: object) -> Work:
    """Return the work of a fit of one number in few samples; `more` are further arguments."""
    photos = top / "photos"
    given = [photos / "clean", photos / "real", "-out", out / "fitted.yml", "-recipe", top / "family.yml"]
    given += ["-workers", 1, *more]
    return partial(_fit, [str(value) for value in given])


def with_source(verb: str, *options: object) -> Callable[[Path, Path], Work]:
    """Return a command that has a source and an output folder; options may depend on the folder of inputs."""
    target = "-target" if verb == "prepare" else "-out"

    def work(top: Path, out: Path) -> Work:
        given = [option(top) if callable(option) else option for option in options]
        return command(verb, "-source", top / "in", target, out, *given)

    return work


COMMANDS: dict[str, Callable[[Path, Path], Work]] = {
    "prepare": with_source("prepare", "-scales", 1, 2, "-workers", 1),
    "prepare tiles": with_source("prepare", "-mode", "tiles", "-side", 16, "-workers", 1),
    "degrade": lambda top, out: command(
        "degrade", top / "noise.yml", top / "in", out, "-gt", out / "gt", "-workers", 1
    ),
    "translate": with_source("translate", "-device", "cpu", "-model_path", lambda top: top / "model/model.safetensors"),
    "upscale": with_source("upscale", "-model", "bicubic", "-scale", 2),
    "evaluate": lambda top, out: command(
        "evaluate", "-results", top / "results", "-gt", top / "in", "-out", out, "-no_lpips"
    ),
    "fit": fit,
}


def _train(task: str) -> Callable[[Path, Path], Work]:
    return lambda top, out: command("train", "-opt", write_training(top, task, out), "-device", "cpu")


def _trained(runs: Path) -> dict[str, Any]:
    """Return what a training leaves, its numbers among it, without times."""
    logs = {
        str(log): [
            {key: value for key, value in line.items() if key not in ("time", "steps_per_second")}
            for line in read_log(log.parent)
            if line["part"] != "event"
        ]
        for log in sorted(runs.rglob("log.jsonl"))
    }
    return results(runs) | {name.replace(str(runs), ""): lines for name, lines in logs.items()}


TRAININGS = {f"train {task}": _train(task) for task in TASKS}


def left(name: str, out: Path) -> dict[str, Any]:
    """Return what a command has left in its output folder, without times."""
    return _trained(out) if name in TRAININGS else contents(out)
