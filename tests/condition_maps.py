"""Maps h, and a tiny DeFlow that is trained with one."""

import numpy as np
import torch

from patina.cli.main import run_command
from patina.conditions.condition_map import ConditionMap
from patina.imaging.value_spaces import to_tensor
from sets import deflow_values, write_config

DOWN = {"downscale": {"factor": 4}}
NOISE = {"add_gaussian": {"sigma": 0.03}}


def finished(h: ConditionMap, pixels: np.ndarray, draw) -> torch.Tensor:
    return h.final(h.local(to_tensor(h.whole(pixels)), draw), draw)


def trained(domains, tmp_path, name: str, **values):
    """Train a tiny DeFlow with an h; return its model file."""
    all_values = deflow_values(domains, steps=2) | {"runs": str(tmp_path / "runs"), "name": name} | values
    assert (
        run_command("train", ["-opt", str(write_config(tmp_path / f"{name}.yml", all_values)), "-device", "cpu"]) == 0
    )
    return tmp_path / "runs" / name / "models/final.safetensors"
