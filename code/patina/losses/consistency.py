"""Losses on the mean luma and mean colour of small windows, which keep added detail from shifting either."""

import torch
from torch import Tensor
from torch.nn import functional

_LUMA = (0.299, 0.587, 0.114)  # BT.601, full range
_BLUE, _RED = 1.772, 1.402  # divisors that scale B - Y and R - Y to [-0.5, 0.5]


def luma_consistency(prediction: Tensor, target: Tensor, window: int = 4) -> Tensor:
    """Return the mean absolute difference of the windows' mean luma.

    Args:
        prediction, target: RGB of one shape ``[N, 3, H, W]`` in [0, 1], sides of at least `window`.
        window: side of a window in pixels; 1 compares every pixel.

    Returns:
        A scalar.
    """
    return functional.l1_loss(_luma(_averaged(prediction, window)), _luma(_averaged(target, window)))


def colour_consistency(prediction: Tensor, target: Tensor, window: int = 4) -> Tensor:
    """Return the mean absolute difference of the windows' mean chroma (BT.601).

    Brightness does not matter: grey pictures of any brightness have the same colour.

    Args:
        prediction, target: RGB of one shape ``[N, 3, H, W]`` in [0, 1], sides of at least `window`.
        window: side of a window in pixels; 1 compares every pixel.

    Returns:
        A scalar.
    """
    return functional.l1_loss(_chroma(_averaged(prediction, window)), _chroma(_averaged(target, window)))


def _averaged(rgb: Tensor, window: int) -> Tensor:
    return functional.avg_pool2d(rgb, window)


def _luma(rgb: Tensor) -> Tensor:
    return torch.einsum("nchw,c->nhw", rgb, rgb.new_tensor(_LUMA))[:, None]


def _chroma(rgb: Tensor) -> Tensor:
    luma = _luma(rgb)
    return torch.cat([(rgb[:, 2:] - luma) / _BLUE, (rgb[:, :1] - luma) / _RED], dim=1)
