"""Sharpened training targets as in Real-ESRGAN."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class SharpenedTarget(nn.Module):
    """Unsharp masking of a batch (Wang et al. 2021, "Real-ESRGAN", section 3.4 and its published parameters).

    Adds `amount` times the detail removed by a Gaussian where it exceeds `threshold`; the mask is blurred so that
    sharpened areas blend in. Equals the recipe operation `unsharp_mask` with `soft_mask` except at borders.

    Args:
        amount: factor of the detail added.
        sigma: standard deviation of the Gaussian in pixels.
        radius: half the side of its window.
        threshold: smallest detail that is sharpened, in grey levels (0 to 255).
    """

    kernel: Tensor

    def __init__(self, amount: float = 0.5, sigma: float = 8.0, radius: int = 25, threshold: float = 10.0):
        super().__init__()
        self.amount, self.radius, self.threshold = amount, radius, threshold
        places = torch.arange(-radius, radius + 1, dtype=torch.float64)
        kernel = torch.exp(-(places**2) / (2 * sigma**2))
        self.register_buffer("kernel", (kernel / kernel.sum()).float(), persistent=False)

    @torch.no_grad()
    def forward(self, rgb: Tensor) -> Tensor:
        """Sharpen ``[N, 3, H, W]`` in [0, 1], with sides larger than the radius; the result is in [0, 1]."""
        detail = rgb - self._blurred(rgb)
        mask = self._blurred((detail.abs() * 255 > self.threshold).to(rgb.dtype))
        return torch.lerp(rgb, (rgb + self.amount * detail).clamp(0, 1), mask)

    def _blurred(self, rgb: Tensor) -> Tensor:
        kernel = self.kernel.to(rgb.dtype).expand(rgb.shape[1], 1, 1, -1)
        padded = functional.pad(rgb, [self.radius] * 4, mode="reflect")
        rows = functional.conv2d(padded, kernel, groups=rgb.shape[1])
        return functional.conv2d(rows, kernel.transpose(2, 3), groups=rgb.shape[1])
