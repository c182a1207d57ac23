"""Convolutions fused with an addition or activation by oneDNN; elsewhere the same operations, unfused.

On a processor, the memory passes of an addition and a ReLU cost more than a small convolution.
"""

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import conv2d, leaky_relu

Activation = Literal["none", "relu", "leaky_relu"]
Padding = tuple[int, int]
"""Rows and columns of zeros on each side."""

NO_PADDING: Padding = (0, 0)
SAME: Padding = (1, 1)
"""Padding that preserves the input size of a 3×3 convolution."""


def conv(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    padding: Padding = NO_PADDING,
    activation: Activation = "none",
    slope: float = 0.0,
) -> Tensor:
    """Return activation(x * weight + bias), without gradients.

    Args:
        x, weight, bias: as in `torch.nn.functional.conv2d`, all of one dtype.
        padding: rows and columns of zeros on each side.
        activation: activation after the convolution.
        slope: negative slope of LeakyReLU.
    """
    if _has_onednn(x):
        scalars = [slope] if activation == "leaky_relu" else []
        return torch.ops.mkldnn._convolution_pointwise(
            x, weight, bias, padding, (1, 1), (1, 1), 1, activation, scalars, ""
        )
    return _activated(conv2d(x, weight, bias, padding=padding), activation, slope)


def conv_onto(
    x: Tensor,
    weight: Tensor,
    other: Tensor,
    padding: Padding = NO_PADDING,
    activation: Literal["none", "relu"] = "relu",
) -> Tensor:
    """Return activation(other + x * weight), without gradients; overwrites `other`."""
    # In other layouts oneDNN needs a separate addition that it lacks for bf16.
    if _has_onednn(x) and _is_channels_last(x) and _is_channels_last(other):
        after = None if activation == "none" else activation
        return torch.ops.mkldnn._convolution_pointwise_.binary(
            other, x, weight, None, padding, (1, 1), (1, 1), 1, "add", 1.0, after, [], ""
        )
    return _activated(other.add_(conv2d(x, weight, padding=padding)), activation, slope=0.0)


def _activated(x: Tensor, activation: Activation, slope: float) -> Tensor:
    if activation == "relu":
        return x.relu_()
    return leaky_relu(x, slope, inplace=True) if activation == "leaky_relu" else x


def _is_channels_last(x: Tensor) -> bool:
    return x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()


def _has_onednn(x: Tensor) -> bool:
    if x.device.type != "cpu" or not hasattr(torch.ops.mkldnn, "_convolution_pointwise"):
        return False
    # Older processors lack the instructions for oneDNN's bf16; torch's own convolution works everywhere.
    return x.dtype == torch.float32 or (
        x.dtype == torch.bfloat16 and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    )
