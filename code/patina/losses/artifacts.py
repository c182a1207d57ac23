"""Locally discriminative learning: penalise detail that is an artifact of adversarial training, and no other."""

import torch
from torch import Tensor
from torch.nn import functional


def ldl(prediction: Tensor, target: Tensor, averaged: Tensor, window: int = 7) -> Tensor:
    """Return the L1 distance weighted by `artifact_map` (Liang, Zeng, Zhang 2022, arXiv:2203.09195, equation 6).

    Args:
        prediction, target: RGB of one shape ``[N, 3, H, W]`` in [0, 1].
        averaged: what the generator with averaged weights makes of the same input.
        window: side of the squares whose variance is taken, odd.

    Returns:
        A scalar; the gradient treats the map as constant.
    """
    weight = artifact_map(prediction.detach(), target, averaged.detach(), window)
    return (weight * (prediction - target)).abs().mean()


def artifact_map(prediction: Tensor, target: Tensor, averaged: Tensor, window: int = 7) -> Tensor:
    """Return how likely each pixel is an artifact (equations 2 to 5 of the paper).

    The residual's variance around a pixel, times the fifth root of its variance over the whole patch; zero where the
    averaged generator is further from the target.

    Args:
        prediction, target, averaged: RGB of one shape ``[N, 3, H, W]``, sides larger than half the window.
        window: side of the squares, odd.

    Returns:
        ``[N, 1, H, W]``, not negative.
    """
    residual, steady = ((target - other).abs().sum(1, keepdim=True) for other in (prediction, averaged))
    patch = residual.var(dim=(1, 2, 3), keepdim=True) ** 0.2
    weight = patch * _local_variance(residual, window)
    return torch.where(residual < steady, torch.zeros_like(weight), weight)


def _local_variance(plane: Tensor, window: int) -> Tensor:
    """Return the unbiased variance of the square around every pixel; borders are mirrored."""
    padded = functional.pad(plane, [window // 2] * 4, mode="reflect")
    squares = functional.unfold(padded, window)
    return squares.var(dim=1, keepdim=True).view(plane.shape)
