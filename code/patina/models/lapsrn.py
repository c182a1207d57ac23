"""LapSRN (Lai et al. 2017, "Deep Laplacian Pyramid Networks for Fast and Accurate Super-Resolution").

Unlike the paper's, this network has sub-pixel instead of transposed convolutions, pre-activations, and a local residual
in every level.
"""

import math
from collections.abc import Mapping
from typing import ClassVar, Literal

from torch import Tensor, nn

from patina.errors import PatinaError
from patina.layers.submodules import bias_of, submodule
from patina.layers.subpixel import SubPixelBicubic
from patina.models.luminance_network import LuminanceNetwork
from patina.models.network_settings import OwnNetworkSettings
from patina.settings import PositiveInt

SLOPE = 0.02
"""Negative slope of the LeakyReLU."""


class PyramidLevel(nn.Module):
    """One level: refines the features, doubles their size, and predicts the residual of the interpolated luma.

    Args:
        features: channels.
        convolutions: number of 3×3 convolutions, each after an activation; their result is added to their input.
    """

    def __init__(self, features: int, convolutions: int):
        super().__init__()
        layers = [layer for _ in range(convolutions) for layer in (_activation(), _convolution(features, features))]
        self.body = nn.Sequential(*layers)
        self.upsample = nn.Sequential(_activation(), _convolution(features, 4 * features), nn.PixelShuffle(2))
        self.residual = nn.Sequential(_activation(), _convolution(features, 1))
        self.interpolate = SubPixelBicubic(2)
        # An untrained level is the interpolation.
        nn.init.zeros_(submodule(self.residual, "1", nn.Conv2d).weight)

    def forward(self, features: Tensor, luma: Tensor) -> tuple[Tensor, Tensor]:
        """Map features ``[N, F, H, W]`` and luma ``[N, 1, H, W]`` to both at twice the size."""
        features = self.upsample(features + self.body(features))
        return features, self.interpolate(luma) + self.residual(features)


class LapSRN(LuminanceNetwork):
    """A pyramid with one level for every factor of 2, for luma; see `LuminanceNetwork` for RGB.

    Args:
        scale: 2, 4 or 8.
        features: channels between the convolutions.
        convolutions: number of convolutions in every level.

    Raises:
        PatinaError: the scale is not a power of 2.
    """

    def __init__(self, scale: int = 2, features: int = 64, convolutions: int = 10):
        super().__init__(scale)
        count = int(math.log2(scale)) if scale > 0 else 0
        if count < 1 or 2**count != scale:
            raise PatinaError(f"scale is {scale}, expected 2, 4 or 8 for LapSRN")
        self.first = _convolution(1, features)
        self.pyramid = nn.ModuleList(PyramidLevel(features, convolutions) for _ in range(count))

    def levels(self, luma: Tensor) -> list[Tensor]:
        """Upscale luma ``[N, 1, H, W]`` by 2, 4, … up to the scale."""
        found, features = [], self.first(luma)
        for level in self.pyramid:
            features, luma = level(features, luma)
            found.append(luma)
        return found


class LapSRNSettings(OwnNetworkSettings):
    """LapSRN: a Laplacian pyramid with one level for every factor of 2."""

    network_name: ClassVar[str] = "LapSRN"
    file_keys: ClassVar[tuple[str, ...]] = ("interpolation", "first.weight", "pyramid.0.body.1.weight")

    architecture: Literal["lapsrn"] = "lapsrn"
    """Selects this network."""

    scale: Literal[2, 4, 8] = 2
    """Upscaling factor."""

    features: PositiveInt = 64
    """Channels of the convolutions."""

    convolutions: PositiveInt = 10
    """Number of 3×3 convolutions in each level."""

    def build(self) -> LapSRN:
        """Return the network with its starting weights."""
        return LapSRN(self.scale, self.features, self.convolutions)

    @classmethod
    def from_weights(cls, weights: Mapping[str, Tensor]) -> "LapSRNSettings":
        """Return the settings of the network that the weights belong to."""
        levels = {name.split(".")[1] for name in weights if name.startswith("pyramid.")}
        bodies = [name for name in weights if name.startswith("pyramid.0.body.") and name.endswith(".weight")]
        size = {"features": len(weights["first.weight"]), "convolutions": len(bodies)}
        return cls.model_validate({"scale": 2 ** len(levels), **size})


def _activation() -> nn.LeakyReLU:
    return nn.LeakyReLU(SLOPE)


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    """Return a 3×3 convolution with He's initialisation, its bias zero."""
    layer = nn.Conv2d(inputs, outputs, 3, padding=1)
    nn.init.kaiming_normal_(layer.weight, a=SLOPE)
    nn.init.zeros_(bias_of(layer))
    return layer
