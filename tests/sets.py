"""Small picture sets that the tests make for themselves."""

from pathlib import Path

import numpy as np
import torch
import yaml

from patina.imaging.picture_files import write_picture
from patina.pipelines.multiscale_set import prepare
from patina.specs.configuration import parse_config
from patina.specs.optimisation import make_fabric


def picture(seed: int, height: int = 48, width: int = 64) -> np.ndarray:
    """Return a smooth coloured picture with some texture, RGB uint8."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / 16
    waves = [np.sin(rng.uniform(0.5, 2) * x + rng.uniform(0.5, 2) * y + phase) for phase in rng.uniform(0, 6, 3)]
    return np.uint8(np.clip(128 + 70 * np.stack(waves, -1) + rng.normal(0, 4, (height, width, 3)), 0, 255))


def write_pictures(folder: Path, count: int, seed: int = 0, noise: float = 0.0, **size: int) -> Path:
    """Write `count` pictures, with white noise of deviation `noise` on top."""
    rng = np.random.default_rng(seed)
    for index in range(count):
        pixels = picture(seed + index, **size)
        noisy = np.clip(pixels + rng.normal(0, noise, pixels.shape), 0, 255)
        write_picture(folder / f"{index}.png", np.uint8(noisy))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file below a folder, by path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def write_domains(folder: Path, scale: int = 4) -> tuple[Path, Path]:
    """Write and prepare a clean and a real set; return their folders."""
    clean = write_pictures(folder / "clean_pictures", 3, seed=0)
    real = write_pictures(folder / "real_pictures", 3, seed=50, noise=10)
    prepare(clean, folder / "clean", [1, scale], workers=1)
    prepare(real, folder / "real", [1, scale], workers=1)
    return folder / "clean", folder / "real"


def deflow_values(folder: Path, **training) -> dict:
    """Return the plain values of a tiny DeFlow configuration on the sets in `folder`."""
    return {
        "task": "deflow",
        "name": "tiny",
        "runs": str(folder / "runs"),
        "model": {
            "scale": 4,
            "features": 8,
            "blocks": 1,
            "growth": 4,
            "stacked_blocks": [0],
            "steps": 1,
            "hidden": 8,
        },
        "data": {
            "clean": str(folder / "clean"),
            "real": str(folder / "real"),
            "patch": 32,
            "batch": 4,
            "match_statistics": True,
            "workers": 0,
        },
        "validation": {"pictures": 1, "crop": 32},
        "training": {"steps": 4, "log_every": 1, "validate_every": 2, "save_every": 2} | training,
    }


def ludvae_values(folder: Path, **training) -> dict:
    """Return the plain values of a tiny LUD-VAE configuration on the folders ``clean`` and ``real`` in `folder`."""
    return {
        "task": "ludvae",
        "name": "tiny",
        "runs": str(folder / "runs"),
        "model": {"channels": 8},
        "noise_level": {"clean": 15, "real": 10},
        "data": {
            "clean": str(folder / "clean"),
            "real": str(folder / "real"),
            "patch": 32,
            "batch": 4,
            "match_statistics": True,
            "workers": 0,
        },
        "validation": {"pictures": 1, "crop": 32},
        "training": {"steps": 4, "log_every": 1, "validate_every": 2, "save_every": 2} | training,
    }


def write_config(path: Path, values: dict) -> Path:
    """Write a configuration file."""
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path


def write_deflow_model(folder: Path) -> Path:
    """Write a tiny DeFlow with random weights; return its file."""
    write_domains(folder)
    task = parse_config(deflow_values(folder), "some.yml").make_task()
    task.setup(make_fabric("32", "cpu"))
    generator = torch.Generator().manual_seed(0)
    for parameter in task.network.parameters():
        parameter.data += 0.02 * torch.randn(parameter.shape, generator=generator)
    task.save_model(folder / "model", 1)
    return folder / "model.safetensors"


def learned_recipe(path: Path, model: Path, **knobs) -> str:
    """Write a recipe with a learned block and JPEG in torch behind it, scale 2."""
    steps = [
        {"resize": {"filter": "matlab_bicubic", "of": "target"}},
        {"learned": {"model": str(model), **knobs}},
        {"jpeg": {"quality": [40, 80], "codec": "torch"}},
    ]
    return str(write_config(path, {"scale": 2, "steps": steps}))


def correlated(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw noise of deviation 8 whose neighbours go along."""
    white = rng.normal(0, 8, (shape[0] + 1, shape[1] + 1, 3))
    return (white[1:, 1:] + white[:-1, 1:] + white[1:, :-1] + white[:-1, :-1]) / 2


def smooth(seed: int) -> np.ndarray:
    """Make a picture of 96 pixels without fine parts."""
    y, x = np.mgrid[:96, :96] / 60
    rng = np.random.default_rng(seed)
    return 128 + 50 * np.stack([np.sin(x * rng.uniform(0.5, 1) + y + phase) for phase in range(3)], -1)


def write_noisy_sets(folder: Path, count: int = 4) -> Path:
    """Write clean pictures, real ones with correlated noise, and two attempts: the same noise again, and white."""
    for index in range(count):
        rng = np.random.default_rng(index)
        clean = smooth(index)
        kinds = {
            "clean": clean,
            "real": clean + correlated(rng, clean.shape),
            "same": clean + correlated(rng, clean.shape),
            "white": clean + rng.normal(0, 8, clean.shape),
        }
        for name, pixels in kinds.items():
            write_picture(folder / name / f"scene{index % 4}_{index:02d}.png", np.uint8(pixels.clip(0, 255).round()))
    return folder
