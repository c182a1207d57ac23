"""A matrix applied to the channels at every position, in full precision on every device."""

import torch
from torch import Tensor


def mix_channels(x: Tensor, matrix: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return W x + b at every position; call it where autocast is off.

    It is a matrix product and no 1×1 convolution, because a GPU's convolutions round float32 to TF32 unless they are
    told otherwise, and a flow's inverse would no longer be one.

    Args:
        x: ``[N, C, H, W]``.
        matrix, bias: ``[C, C]`` and ``[C]``.
    """
    flat = x.flatten(2)
    mixed = matrix @ flat if bias is None else torch.baddbmm(bias[:, None], matrix.expand(len(x), -1, -1), flat)
    return mixed.view_as(x)
