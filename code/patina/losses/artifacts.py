"""Locally discriminative learning (LDL): penalises artifacts of adversarial training but not genuine detail."""

import torch
from torch import Tensor
from torch.nn import functional


def ldl(prediction: Tensor, target: Tensor, averaged: Tensor, window: int = 7) -> Tensor:
    """Return the L1 distance weighted by `artifact_map` (Liang, Zeng, Zhang 2022, arXiv:2203.09195, equation 6).

    Args:
        prediction, target: RGB of one shape ``[N, 3, H, W]`` in [0, 1].
        averaged: output of the generator's EMA for the same input.
        window: side of the local variance's window, odd.

    Returns:
        A scalar; the gradient treats the map as constant.
    """
    weight = artifact_map(prediction.detach(), target, averaged.detach(), window)
    return (weight * (prediction - target)).abs().mean()


def artifact_map(prediction: Tensor, target: Tensor, averaged: Tensor, window: int = 7) -> Tensor:
    """Return how likely every pixel is an artifact (equations 2 to 5 of the paper).

    This is the residual's local variance times the fifth root of its variance over the whole patch, and zero where the
    EMA's residual is larger than the generator's.

    Args:
        prediction, target, averaged: RGB of one shape ``[N, 3, H, W]``, sides larger than half the window.
        window: side of the local variance's window, odd.

    Returns:
        ``[N, 1, H, W]``, not negative.
    """
    residual, ema_residual = ((target - other).abs().sum(1, keepdim=True) for other in (prediction, averaged))
    patch = residual.var(dim=(1, 2, 3), keepdim=True) ** 0.2
    weight = patch * _local_variance(residual, window)
    return torch.where(residual < ema_residual, torch.zeros_like(weight), weight)


def _local_variance(plane: Tensor, window: int) -> Tensor:
    """Return the unbiased variance in the window around every pixel; borders are mirrored."""
    padded = functional.pad(plane, [window // 2] * 4, mode="reflect")
    windows = functional.unfold(padded, window)
    return windows.var(dim=1, keepdim=True).view(plane.shape)
