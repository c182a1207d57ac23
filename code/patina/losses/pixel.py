"""Distances between pictures, pixel by pixel."""

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
    """Return the mean Huber loss divided by `delta` (Huber 1964): square below `delta`, absolute above.

    Divided, it is as large as L1 for large differences, so its weight means the same.

    Args:
        prediction, target: pictures of one shape ``[N, C, H, W]``.
        delta: the difference at which the loss turns from square to absolute, in units of the pictures.

    Returns:
        A scalar.
    """
    return functional.huber_loss(prediction, target, delta=delta) / delta


def charbonnier(prediction: Tensor, target: Tensor, eps: float = 1e-3) -> Tensor:
    """Return the mean of ``sqrt(d^2 + eps^2)``, an absolute difference that is smooth at zero.

    Some code bases add `eps` itself under the root; their ``eps=1e-6`` is ``eps=1e-3`` here.

    Args:
        prediction, target: pictures of one shape ``[N, C, H, W]``.
        eps: the difference at which the loss turns from square to absolute.

    Returns:
        A scalar, `eps` for equal pictures.
    """
    return torch.sqrt((prediction - target) ** 2 + eps**2).mean()
