"""Upscaling by sub-pixel convolution (Shi et al. 2016): a convolution computes all phases, a shuffle places them."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from patina.imaging.matlab_resize import cubic

REACH = 2
"""Radius of the bicubic interpolation window in pixels."""


def bicubic_kernel(factor: int) -> Tensor:
    """Return the sub-pixel convolution equal to MATLAB's bicubic upscaling (Keys 1981, equation 15).

    Args:
        factor: upscaling factor.

    Returns:
        ``[factor², 1, 5, 5]``, one kernel of sum 1 per phase.
    """
    shifts = (np.arange(factor) + 0.5) / factor - 0.5
    taps = cubic(shifts[:, None] - np.arange(-REACH, REACH + 1))
    kernels = np.einsum("ay,bx->abyx", taps, taps).reshape(factor**2, 1, 2 * REACH + 1, 2 * REACH + 1)
    return torch.from_numpy(kernels.astype(np.float32))


def enlarge(planes: Tensor, kernel: Tensor) -> Tensor:
    """Upscale every plane independently by a sub-pixel convolution.

    Args:
        planes: ``[N, C, H, W]``; borders are mirrored, edge pixel included, as in `imresize`.
        kernel: ``[factor², 1, 5, 5]``.

    Returns:
        ``[N, C, factor H, factor W]``.
    """
    count, channels, height, width = planes.shape
    factor = round(len(kernel) ** 0.5)
    padded = planes[..., _mirrored(height, planes.device), :][..., _mirrored(width, planes.device)]
    phases = functional.conv2d(padded.reshape(-1, 1, *padded.shape[-2:]), kernel)
    return functional.pixel_shuffle(phases, factor).reshape(count, channels, factor * height, factor * width)


class SubPixelBicubic(nn.Module):
    """A learned interpolation of planes, initialised to bicubic.

    Args:
        factor: upscaling factor.
    """

    def __init__(self, factor: int):
        super().__init__()
        self.weight = nn.Parameter(bicubic_kernel(factor))

    def forward(self, planes: Tensor) -> Tensor:
        """Upscale ``[N, C, H, W]`` to ``[N, C, factor H, factor W]``."""
        return enlarge(planes, self.weight)


def _mirrored(length: int, device: torch.device) -> Tensor:
    """Return source positions for a padded axis: mirrored at both ends, edge included."""
    period = torch.full((), 2 * length, device=device)  # a tensor, because ONNX has no remainder of an open size
    positions = torch.arange(-REACH, length + REACH, device=device) % period
    return torch.minimum(positions, 2 * length - 1 - positions)
