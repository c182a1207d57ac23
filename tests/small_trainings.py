"""A tiny training of every task, on pictures of its own, and what a training leaves that must not depend on luck."""

from pathlib import Path
from typing import Any

import torch

from patina.cli.main import run_command
from patina.pipelines.multiscale_set import prepare
from sets import deflow_values, ludvae_values, write_config, write_pictures
from small_ludif import ludif_values

STEPS = {"steps": 4, "log_every": 1, "validate_every": 2, "save_every": 2}
PATCHES = {"patch": 32, "batch": 2, "workers": 0}
GAN = {"type": "gan", "weight": 0.005, "discriminator": {"features": 8}}


def write_sets(folder: Path) -> Path:
    """Write the pictures and sets that the trainings of all tasks need; return the folder."""
    write_pictures(folder / "clean", 2, height=48, width=48)
    write_pictures(folder / "real", 2, seed=50, noise=10, height=48, width=48)
    for name in ("clean", "real"):
        prepare(folder / name, folder / f"{name}_set", [1, 2, 4], workers=1)
    return folder


def _deflow(folder: Path) -> dict[str, Any]:
    values = deflow_values(folder)
    values["data"] |= {name: str(folder / f"{name}_set") for name in ("clean", "real")} | PATCHES
    return values


def _ludvae(folder: Path) -> dict[str, Any]:
    values = ludvae_values(folder)
    values["data"] |= PATCHES
    return values


def _ludif(folder: Path) -> dict[str, Any]:
    values = ludif_values(folder)
    values["data"] |= PATCHES
    return values


def _pairs(folder: Path) -> dict[str, str]:
    return {"lq": str(folder / "clean_set/2x"), "gt": str(folder / "clean_set/1x")}


def _restoration(folder: Path) -> dict[str, Any]:
    losses = [{"type": "l1", "weight": 0.01}, GAN]
    return {
        "model": {"scale": 2, "features": 8, "blocks": 1, "growth": 4},
        "data": _pairs(folder) | PATCHES,
        "validation": _pairs(folder) | {"pictures": 1},
        "stages": [{"name": "gan", "losses": losses, "ema": 0.5} | STEPS],
    }


def _luminance(folder: Path) -> dict[str, Any]:
    return {
        "model": {"architecture": "lapsrn", "scale": 2, "features": 8, "convolutions": 2},
        "data": _pairs(folder) | PATCHES,
        "validation": _pairs(folder) | {"pictures": 1},
        "training": STEPS,
    }


def _sr3(folder: Path) -> dict[str, Any]:
    pictures = str(folder / "clean")
    return {
        "model": {"channels": 8, "multipliers": [1, 2], "attention": [1], "blocks": 1},
        "schedule": {"steps": 10, "first": 1e-3, "last": 0.5},
        "sampling": {"sampler": "ddim", "steps": 2},
        "data": {"pictures": pictures, "side": 32, "batch": 1, "workers": 0},
        "validation": {"pictures": pictures, "count": 1},
        "training": {"epochs": 2, "sample_every": 2, "checkpoint_every": 1, "log_every": 1, "ema": 0.5},
    }


_VALUES = {
    "deflow": _deflow,
    "ludvae": _ludvae,
    "ludif": _ludif,
    "restoration": _restoration,
    "luminance": _luminance,
    "sr3": _sr3,
}
TASKS = list(_VALUES)


def write_training(folder: Path, task: str, runs: Path, workers: int = 0) -> Path:
    """Write the configuration of a task's tiny training of four steps, with the sets in `folder`; return its path."""
    values = {"task": task, "name": "tiny", "runs": str(runs)} | _VALUES[task](folder)
    values["data"] |= {"workers": workers}
    return write_config(runs.with_suffix(".yml"), values | {"runs": str(runs)})


def train(config: Path) -> int:
    """Train as a user does; return the exit code."""
    return run_command("train", ["-opt", str(config), "-device", "cpu"])


def results(runs: Path) -> dict[str, Any]:
    """Return the bytes of models and previews and the values of the training states, by path."""
    kept = [*runs.rglob("models/*"), *runs.rglob("training_state/*.state"), *runs.rglob("previews/*/*.png")]
    return {str(path.relative_to(runs)): _plain(path) for path in sorted(kept)}


def _plain(path: Path) -> Any:
    if path.suffix != ".state":
        return path.read_bytes()
    return _listed(torch.load(path, weights_only=True))  # a pickle shares equal keys or not


def _listed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _listed(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_listed(inner) for inner in value]
    return (value.dtype, value.tolist()) if isinstance(value, torch.Tensor) else value
