"""Losses on the mean colour and the mean brightness of small squares, which detail may not shift."""

import torch
from torch import Tensor
from torch.nn import functional

_LUMA = (0.299, 0.587, 0.114)  # BT.601, full range
_BLUE, _RED = 1.772, 1.402  # what scales B - Y and R - Y to the range of -0.5 to 0.5


def luma_consistency(prediction: Tensor, target: Tensor, window: int = 4) -> Tensor:
    """Return the mean absolute difference of the luma, averaged over squares.

    Args:
        prediction, target: RGB of one shape ``[N, 3, H, W]`` in [0, 1], sides of `window` at least.
        window: side of the squares in pixels; 1 compares every pixel.

    Returns:
        A scalar.
    """
    return functional.l1_loss(_luma(_averaged(prediction, window)), _luma(_averaged(target, window)))


def colour_consistency(prediction: Tensor, target: Tensor, window: int = 4) -> Tensor:
    """Return the mean absolute difference of the two chroma channels (BT.601), averaged over squares.

    Brightness does not count: gray pictures of any brightness have the same colour.

    Args:
        prediction, target: RGB of one shape ``[N, 3, H, W]`` in [0, 1], sides of `window` at least.
        window: side of the squares in pixels; 1 compares every pixel.

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
