"""A small LUD-DIF with random weights, its model file, and the plain values of its configuration."""

from pathlib import Path

import torch

from patina.models.ludif import LUDDIF, LUDDIFArchitecture
from patina.models.model_files import ModelFile, save_model_file
from small_ludvae import STATISTICS

SIZE = {"channels": 8, "multipliers": [1, 2], "attention": [], "blocks": 1, "dropout": 0.0}
STRENGTHS = [4.0, 6.0, 12.0]
CONFIGURATION = {
    "architecture": SIZE,
    "levels": {"real": None, "clean": None, "start": None, "condition": None},
    "strengths": STRENGTHS,
    "sampling": {"steps": 3, "eta": 1.0},
    "has_clean": True,
    "replace_impulses": False,
}
PLAIN = {"strength": 8.0, "steps": 3, "eta": 1.0}


def network(has_clean: bool = True) -> LUDDIF:
    torch.manual_seed(1)
    return LUDDIF(LUDDIFArchitecture(**SIZE), has_clean).eval()


def model_file(has_clean: bool = True, **changes) -> ModelFile:
    configuration = CONFIGURATION | {"has_clean": has_clean} | changes
    return ModelFile("ludif", configuration, network(has_clean).state_dict(), STATISTICS, step=7)


def write_model(path: Path, has_clean: bool = True, **changes) -> Path:
    """Write the network as a model file of step 7; return the path."""
    save_model_file(path, model_file(has_clean, **changes))
    return path


def ludif_values(folder: Path, **training) -> dict:
    """Return the plain values of a tiny LUD-DIF configuration on the folders ``clean`` and ``real`` in `folder`."""
    return {
        "task": "ludif",
        "name": "tiny",
        "runs": str(folder / "runs"),
        "model": SIZE,
        "pairs": {"steps": 2},
        "sampling": {"steps": 2},
        "data": {
            "clean": str(folder / "clean"),
            "real": str(folder / "real"),
            "patch": 32,
            "batch": 2,
            "workers": 0,
        },
        "validation": {"pictures": 1, "crop": 32},
        "training": {"steps": 4, "log_every": 1, "validate_every": 2, "save_every": 2, "ema": 0.5} | training,
    }
