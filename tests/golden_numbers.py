"""The golden numbers: arrays computed by the published code, and networks with the weights they were computed with."""

from functools import cache
from pathlib import Path

import numpy as np
import torch

from patina.models.deflow import DeFlow, DeFlowArchitecture
from patina.models.ludvae import LUDVAE, LUDVAEArchitecture
from patina.models.published import from_published_deflow

FOLDER = Path(__file__).parent / "golden"


@cache
def golden_arrays(name: str) -> dict[str, np.ndarray]:
    """Return the arrays of ``golden/NAME.npz``."""
    with np.load(FOLDER / f"{name}.npz") as arrays:
        return dict(arrays)


def golden_tensors(name: str, prefix: str) -> dict[str, torch.Tensor]:
    """Return the arrays whose keys begin with `prefix`, without it, as tensors."""
    arrays = golden_arrays(name)
    return {key.removeprefix(prefix): torch.from_numpy(arrays[key]) for key in arrays if key.startswith(prefix)}


class GoldenDeFlow:
    """DeFlow's golden numbers at one scale; arrays are read as tensors."""

    def __init__(self, scale: int):
        self.name = f"deflow_x{scale}"
        self.architecture = DeFlowArchitecture(
            scale=scale, blocks=1, growth=4, stacked_blocks=(0, 0, 0, 0), steps=2, hidden=8
        )

    def __getitem__(self, key: str) -> torch.Tensor:
        return torch.from_numpy(golden_arrays(self.name)[key])

    def network(self, prefix: str = "w:") -> DeFlow:
        """Return the network with the weights whose keys begin with `prefix`."""
        state = {key: weight.float() for key, weight in golden_tensors(self.name, prefix).items()}
        network = DeFlow(self.architecture)
        network.load_state_dict(from_published_deflow(state))
        return network

    @property
    def batch(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Images, conditions and labels."""
        return self["gt"], self["lr"], self["y"]


class GoldenLUDVAE:
    """LUD-VAE's golden numbers; arrays are read as tensors."""

    def __getitem__(self, key: str) -> torch.Tensor:
        return torch.from_numpy(golden_arrays("ludvae")[key])

    def gradients(self) -> dict[str, torch.Tensor]:
        """Return the expected gradients, by parameter."""
        return golden_tensors("ludvae", "grad:")

    def published_state(self) -> dict[str, torch.Tensor]:
        """Return the weights under their published names."""
        return golden_tensors("ludvae", "w:")

    def network(self) -> LUDVAE:
        """Return the network with the golden weights."""
        network = LUDVAE(LUDVAEArchitecture(channels=16))
        network.load_state_dict(self.published_state(), strict=True)
        return network

    @property
    def noise(self) -> list[torch.Tensor]:
        """The noise of every stage, in the order in which it is drawn."""
        return [self[f"noise{stage}"] for stage in (3, 2, 1)]
