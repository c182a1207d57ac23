"""Random DeFlow networks of several shapes, and batches for them."""

from dataclasses import replace

import torch
from torch import nn
from torch.nn.functional import interpolate

from patina.models.deflow import DeFlow, DeFlowArchitecture

TINY = DeFlowArchitecture(
    scale=8, features=6, blocks=2, growth=4, stacked_blocks=(0, 1), steps=2, hidden=10, steps_without_coupling=1
)
VARIANTS = [
    TINY,
    replace(TINY, scale=2, steps=1),
    replace(TINY, scale=4, steps_without_coupling=0),
    replace(TINY, scale=16, stacked_blocks=(1,), steps=1),
]


def random_network(architecture: DeFlowArchitecture) -> DeFlow:
    """Return a network in which every parameter matters."""
    torch.manual_seed(4)
    network = DeFlow(architecture)
    for name, parameter in network.named_parameters():
        if name.startswith("layers") and name.endswith(("weight", "bias", "logs")):
            nn.init.normal_(parameter, std=0.1)
        if name.endswith(("mean_shift", "cov_shift")):
            parameter.data += 0.1 * torch.randn_like(parameter)
    return network


def random_batch(
    architecture: DeFlowArchitecture, device: str = "cpu"
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    height, width = 2 * architecture.multiple, 3 * architecture.multiple
    image = torch.rand(2, 3, height, width)
    batch = (image, interpolate(image, scale_factor=1 / architecture.scale), torch.tensor([0.0, 1.0]))
    return tuple(tensor.to(device) for tensor in batch)


def noise_for(network: DeFlow, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
    height, width = image.shape[-2:]
    shapes = [(2, c, height // d, width // d) for c, d in network.latent_layout]
    return tuple(torch.randn(shape).to(image.device) for shape in shapes)
