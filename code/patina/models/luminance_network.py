"""Networks that upscale luma only; chroma, to which the eye is less sensitive, is upscaled by bicubic interpolation."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from patina.imaging.ycbcr import to_rgb, to_ycbcr
from patina.layers.subpixel import bicubic_kernel, enlarge


class LuminanceNetwork(nn.Module, ABC):
    """Upscales an image: luma by the network, chroma by bicubic interpolation.

    Args:
        scale: upscaling factor.
    """

    interpolation: Tensor

    def __init__(self, scale: int):
        super().__init__()
        self.scale = scale
        # Saved in model files, where its size gives the scale.
        self.register_buffer("interpolation", bicubic_kernel(scale))

    @abstractmethod
    def levels(self, luma: Tensor) -> list[Tensor]:
        """Upscale luma ``[N, 1, H, W]`` to one or more sizes, the last ``[N, 1, scale H, scale W]``."""

    def forward(self, rgb: Tensor) -> Tensor:
        """Upscale RGB ``[N, 3, H, W]`` in [0, 1] to ``[N, 3, scale H, scale W]``, not clipped."""
        ycbcr = to_ycbcr(rgb)
        luma = self.levels(ycbcr[:, :1])[-1]
        chroma = enlarge(ycbcr[:, 1:], self.interpolation)
        return to_rgb(torch.cat([luma.float(), chroma.float()], dim=1))


def stored_scale(weights: Mapping[str, Tensor]) -> int:
    """Return the scale of the network that the weights belong to."""
    return round(len(weights["interpolation"]) ** 0.5)
