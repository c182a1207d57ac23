"""Enlarging by sub-pixel convolution (Shi et al. 2016): a convolution makes the pixels of every phase, a shuffle places
them.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from patina.imaging.matlab_resize import cubic

REACH = 2
"""Pixels around the centre that bicubic interpolation looks at."""


def bicubic_kernel(factor: int) -> Tensor:
    """Return the sub-pixel convolution that is MATLAB's bicubic enlargement (Keys 1981, equation 15).

    Args:
        factor: a whole number.

    Returns:
        ``[factor², 1, 5, 5]``, one kernel a phase, each of sum 1.
    """
    shifts = (np.arange(factor) + 0.5) / factor - 0.5
    taps = cubic(shifts[:, None] - np.arange(-REACH, REACH + 1))
    kernels = np.einsum("ay,bx->abyx", taps, taps).reshape(factor**2, 1, 2 * REACH + 1, 2 * REACH + 1)
    return torch.from_numpy(kernels.astype(np.float32))


def enlarge(planes: Tensor, kernel: Tensor) -> Tensor:
    """Enlarge every plane by itself with a sub-pixel convolution.

    Args:
        planes: ``[N, C, H, W]``; borders are mirrored, the outermost pixel repeated, as `imresize` does.
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
    """A learned interpolation of planes that starts as bicubic.

    Args:
        factor: a whole number.
    """

    def __init__(self, factor: int):
        super().__init__()
        self.weight = nn.Parameter(bicubic_kernel(factor))

    def forward(self, planes: Tensor) -> Tensor:
        """Enlarge ``[N, C, H, W]`` to ``[N, C, factor H, factor W]``."""
        return enlarge(planes, self.weight)


def _mirrored(length: int, device: torch.device) -> Tensor:
    """Return the positions of a padded axis: the edge is repeated, then the axis runs backwards."""
    positions = torch.arange(-REACH, length + REACH, device=device) % (2 * length)
    return torch.minimum(positions, 2 * length - 1 - positions)
