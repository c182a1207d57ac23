"""MSRResNet: SRResNet (Ledig et al. 2017, arXiv 1609.04802) without batch normalisation.

The parameters have the names of published files.
"""

import math
from collections.abc import Mapping
from typing import ClassVar, Literal

from torch import Tensor, nn
from torch.nn import functional

from patina.layers.submodules import bias_of
from patina.models.network_settings import OwnNetworkSettings
from patina.settings import PositiveInt

_SLOPE = 0.1
_INITIAL_GAIN = 0.1


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with a ReLU between them, added to their input."""

    def __init__(self, features: int):
        super().__init__()
        self.conv1 = nn.Conv2d(features, features, 3, padding=1)
        self.conv2 = nn.Conv2d(features, features, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[N, features, H, W]`` to the same shape."""
        return x + self.conv2(functional.relu(self.conv1(x)))


class MSRResNet(nn.Module):
    """Residual blocks at the input's size, then sub-pixel convolutions; the bilinear image is added to the result.

    Args:
        scale: 2, 3 or 4.
        features: channels of every convolution.
        blocks: number of residual blocks.

    Raises:
        ValueError: the scale is not 2, 3 or 4.
    """

    def __init__(self, scale: int = 4, features: int = 64, blocks: int = 16):
        super().__init__()
        if scale not in (2, 3, 4):
            raise ValueError(f"scale is {scale}, expected 2, 3 or 4 for MSRResNet")
        self.scale = scale
        self.conv_first = nn.Conv2d(3, features, 3, padding=1)
        self.body = nn.Sequential(*(ResidualBlock(features) for _ in range(blocks)))
        factor = 3 if scale == 3 else 2
        self.upconv1 = nn.Conv2d(features, features * factor**2, 3, padding=1)
        self.upconv2 = nn.Conv2d(features, features * factor**2, 3, padding=1) if scale == 4 else None
        self.shuffle = nn.PixelShuffle(factor)
        self.conv_hr = nn.Conv2d(features, features, 3, padding=1)
        self.conv_last = nn.Conv2d(features, 3, 3, padding=1)
        self._start_small()

    def forward(self, rgb: Tensor) -> Tensor:
        """Upscale a batch.

        Args:
            rgb: ``[N, 3, H, W]`` in [0, 1], any size.

        Returns:
            ``[N, 3, scale H, scale W]``, not clipped.
        """
        x = self.body(_lrelu(self.conv_first(rgb)))
        for upconv in filter(None, (self.upconv1, self.upconv2)):
            x = _lrelu(self.shuffle(upconv(x)))
        base = functional.interpolate(rgb, scale_factor=self.scale, mode="bilinear", align_corners=False)
        return self.conv_last(_lrelu(self.conv_hr(x))) + base

    def _start_small(self) -> None:
        """Apply He's initialisation times 0.1, so that training starts near the bilinear image."""
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight)
                layer.weight.data *= _INITIAL_GAIN
                nn.init.zeros_(bias_of(layer))


def _lrelu(x: Tensor) -> Tensor:
    return functional.leaky_relu(x, _SLOPE)


class MSRResNetSettings(OwnNetworkSettings):
    """MSRResNet (SRResNet without batch normalisation); its files open in Patina only."""

    network_name: ClassVar[str] = "MSRResNet"
    file_keys: ClassVar[tuple[str, ...]] = (
        "conv_first.weight",
        "body.0.conv1.weight",
        "upconv1.weight",
        "conv_hr.weight",
        "conv_last.weight",
    )

    architecture: Literal["msrresnet"] = "msrresnet"
    """Selects this network."""

    scale: Literal[2, 3, 4] = 4
    """Upscaling factor."""

    features: PositiveInt = 64
    """Channels of the trunk."""

    blocks: PositiveInt = 16
    """Number of residual blocks."""

    def build(self) -> MSRResNet:
        """Return the network with random weights."""
        return MSRResNet(self.scale, self.features, self.blocks)

    @classmethod
    def from_weights(cls, weights: Mapping[str, Tensor]) -> "MSRResNetSettings":
        """Return the settings of the network that the weights belong to."""
        features = len(weights["conv_first.weight"])
        factor = math.isqrt(len(weights["upconv1.weight"]) // features)
        blocks = sum(name.startswith("body.") and name.endswith(".conv1.weight") for name in weights)
        scale = factor**2 if "upconv2.weight" in weights else factor
        return cls.model_validate({"scale": scale, "features": features, "blocks": blocks})
