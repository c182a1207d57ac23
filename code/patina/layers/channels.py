"""A matrix product over the channels at every position, in full precision on every device."""

import torch
from torch import Tensor


def mix_channels(x: Tensor, matrix: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return W x + b at every position; call it with autocast disabled.

    This is a matrix product rather than a 1×1 convolution because GPU convolutions round float32 to TF32 by default,
    which would make a flow's inverse inexact.

    Args:
        x: ``[N, C, H, W]``.
        matrix, bias: ``[C, C]`` and ``[C]``.
    """
    flat = x.flatten(2)
    mixed = matrix @ flat if bias is None else torch.baddbmm(bias[:, None], matrix.expand(len(x), -1, -1), flat)
    return mixed.view_as(x)
