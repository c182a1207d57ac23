"""Sharpened targets: what Real-ESRGAN compares its results with."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class SharpenedTarget(nn.Module):
    """Unsharp masking of a batch (Wang et al. 2021, "Real-ESRGAN", section 3.4 and its published parameters).

    Adds `amount` times what a Gaussian takes away, where that exceeds `threshold`; the places are blurred too, so that
    sharpened and other areas merge. The same as the recipe step `unsharp_mask` with `soft_mask`, but for borders.

    Args:
        amount: of the sharpening.
        sigma: deviation of the Gaussian in pixels.
        radius: half the side of its window.
        threshold: difference from the blurred picture, of 255, below which nothing is sharpened.
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
        """Return ``[N, 3, H, W]`` in [0, 1] sharpened, still in [0, 1]; sides larger than the radius."""
        detail = rgb - self._blurred(rgb)
        mask = self._blurred((detail.abs() * 255 > self.threshold).to(rgb.dtype))
        return torch.lerp(rgb, (rgb + self.amount * detail).clamp(0, 1), mask)

    def _blurred(self, rgb: Tensor) -> Tensor:
        kernel = self.kernel.to(rgb.dtype).expand(rgb.shape[1], 1, 1, -1)
        padded = functional.pad(rgb, [self.radius] * 4, mode="reflect")
        rows = functional.conv2d(padded, kernel, groups=rgb.shape[1])
        return functional.conv2d(rows, kernel.transpose(2, 3), groups=rgb.shape[1])
