"""DnCNN (Zhang et al. 2017, arXiv 1608.03981) for RGB, without batch normalisation: it predicts the noise."""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import nn

from patina import torchvision_shim
from patina.layers.submodules import bias_of
from patina.models.network_settings import NetworkSettings
from patina.settings import PositiveInt

FEWEST_LAYERS = 8
"""spandrel recognises a DnCNN by its first eight layers."""


class DnCNNSettings(NetworkSettings):
    """DnCNN, a denoiser, without batch normalisation."""

    architecture: Literal["dncnn"] = "dncnn"
    """Selects this network."""

    scale: Literal[1] = 1
    """Always 1."""

    features: PositiveInt = 64
    """Channels of every layer."""

    layers: Annotated[int, Field(ge=FEWEST_LAYERS)] = 17
    """Number of convolutions."""

    def build(self) -> nn.Module:
        """Return the network; it starts as the identity."""
        torchvision_shim.ensure()
        from spandrel.architectures.DnCNN import DnCNN

        network = DnCNN(in_nc=3, out_nc=3, nc=self.features, nb=self.layers, act_mode="R")
        convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
        for convolution in convolutions:
            _start_near_identity(convolution)
        nn.init.zeros_(convolutions[-1].weight)
        return network


def _start_near_identity(convolution: nn.Conv2d) -> None:
    """Initialise a 3x3 convolution to the identity, repeating its channels as needed, plus random weights.

    With a usual initialisation, a DnCNN without batch normalisation predicts no noise for hundreds of steps, or never.
    """
    nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
    nn.init.zeros_(bias_of(convolution))
    with torch.no_grad():
        convolution.weight *= 0.5
        for channel in range(convolution.out_channels):
            convolution.weight[channel, channel % convolution.in_channels, 1, 1] += 1
