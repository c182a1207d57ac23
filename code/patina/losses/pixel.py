"""Pixel-wise distances between pictures."""

import torch
from torch import Tensor
from torch.nn import functional


def l1(prediction: Tensor, target: Tensor) -> Tensor:
    """Return the mean absolute difference.

    Args:
        prediction, target: pictures of one shape ``[N, C, H, W]``.

    Returns:
        A scalar.
    """
    return functional.l1_loss(prediction, target)


def huber(prediction: Tensor, target: Tensor, delta: float = 0.01) -> Tensor:
    """Return the mean Huber loss divided by `delta` (Huber 1964): quadratic below `delta`, linear above.

    The division makes it match L1 for large differences, so loss weights are comparable.

    Args:
        prediction, target: pictures of one shape ``[N, C, H, W]``.
        delta: difference at which the loss changes from quadratic to linear, in units of the pictures.

    Returns:
        A scalar.
    """
    return functional.huber_loss(prediction, target, delta=delta) / delta


def charbonnier(prediction: Tensor, target: Tensor, eps: float = 1e-3) -> Tensor:
    """Return the mean of ``sqrt(d^2 + eps^2)``, an absolute difference that is smooth at zero.

    Some implementations add `eps` without squaring it; their ``eps=1e-6`` is ``eps=1e-3`` here.

    Args:
        prediction, target: pictures of one shape ``[N, C, H, W]``.
        eps: difference at which the loss changes from quadratic to linear.

    Returns:
        A scalar, `eps` for equal pictures.
    """
    return torch.sqrt((prediction - target) ** 2 + eps**2).mean()
