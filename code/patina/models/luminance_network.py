"""Networks that enlarge luma alone; chroma, to which the eye is less sensitive, is interpolated by bicubic."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from patina.imaging.ycbcr import to_rgb, to_ycbcr
from patina.layers.subpixel import bicubic_kernel, enlarge


class LuminanceNetwork(nn.Module, ABC):
    """Enlarges a picture whose luma is restored and whose chroma is interpolated.

    Args:
        scale: output pixels to an input pixel, along a side.
    """

    interpolation: Tensor

    def __init__(self, scale: int):
        super().__init__()
        self.scale = scale
        # Kept in the file, where its size tells the scale.
        self.register_buffer("interpolation", bicubic_kernel(scale))

    @abstractmethod
    def levels(self, luma: Tensor) -> list[Tensor]:
        """Enlarge luma ``[N, 1, H, W]`` to one or more sizes, ``[N, 1, scale H, scale W]`` the last."""

    def forward(self, rgb: Tensor) -> Tensor:
        """Enlarge RGB ``[N, 3, H, W]`` in [0, 1] to ``[N, 3, scale H, scale W]``, not clipped."""
        ycbcr = to_ycbcr(rgb)
        luma = self.levels(ycbcr[:, :1])[-1]
        chroma = enlarge(ycbcr[:, 1:], self.interpolation)
        return to_rgb(torch.cat([luma.float(), chroma.float()], dim=1))


def stored_scale(weights: Mapping[str, Tensor]) -> int:
    """Return the scale of the network that the weights belong to."""
    return round(len(weights["interpolation"]) ** 0.5)
