"""SRCNN (Dong et al. 2014, "Image Super-Resolution Using Deep Convolutional Networks"): bicubic, then refined.

Unlike the paper's, the three convolutions predict the residual of the interpolation.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

from torch import Tensor, nn

from patina.layers.submodules import bias_of, submodule
from patina.layers.subpixel import enlarge
from patina.models.luminance_network import LuminanceNetwork, stored_scale
from patina.models.network_settings import OwnNetworkSettings
from patina.settings import PositiveInt


class SRCNN(LuminanceNetwork):
    """Three convolutions of 9, 5 and 5 pixels on the interpolated luma; see `LuminanceNetwork` for RGB.

    Args:
        scale: upscaling factor.
        features: channels after the first and the second convolution.
    """

    def __init__(self, scale: int = 2, features: tuple[int, int] = (64, 32)):
        super().__init__(scale)
        self.refine = nn.Sequential(
            nn.Conv2d(1, features[0], 9, padding=4),
            nn.ReLU(),
            nn.Conv2d(features[0], features[1], 5, padding=2),
            nn.ReLU(),
            nn.Conv2d(features[1], 1, 5, padding=2),
        )
        # The untrained network is the interpolation.
        last = submodule(self.refine, "4", nn.Conv2d)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(bias_of(last))

    def levels(self, luma: Tensor) -> list[Tensor]:
        """Interpolate luma ``[N, 1, H, W]`` and refine it."""
        larger = enlarge(luma, self.interpolation)
        return [larger + self.refine(larger)]


class SRCNNSettings(OwnNetworkSettings):
    """Bicubic interpolation followed by SRCNN's three convolutions."""

    network_name: ClassVar[str] = "SRCNN"
    file_keys: ClassVar[tuple[str, ...]] = ("interpolation", "refine.0.weight", "refine.4.weight")

    architecture: Literal["srcnn"] = "srcnn"
    """Selects this network."""

    scale: Literal[2, 3, 4, 8] = 2
    """Upscaling factor."""

    features: tuple[PositiveInt, PositiveInt] = (64, 32)
    """Channels after the first and the second convolution."""

    def build(self) -> SRCNN:
        """Return the network with its starting weights."""
        return SRCNN(self.scale, self.features)

    @classmethod
    def from_weights(cls, weights: Mapping[str, Tensor]) -> "SRCNNSettings":
        """Return the settings of the network that the weights belong to."""
        features = (len(weights["refine.0.weight"]), len(weights["refine.2.weight"]))
        return cls.model_validate({"scale": stored_scale(weights), "features": features})
