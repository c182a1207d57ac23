"""A coupling network's first convolution, split by its inputs.

A convolution is linear, so conv([z, condition]) = conv(z) + conv(condition). The part of the condition that is
nearest-upscaled is convolved at its original resolution (`patina.layers.nearest`).
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from patina.layers.coupling import NormalisedConv, ShiftAndScale, ZeroConv
from patina.layers.folding import folded_conv, folded_zero_conv
from patina.layers.nearest import product_kernels
from patina.layers.submodules import submodule


@dataclass(frozen=True)
class Condition:
    """The condition of one level.

    Attributes:
        features: features at the level's resolution, ``[N, F, H, W]``, channels last.
        stack: outputs of the encoder's blocks, ``[N, C, h, w]``, still to be upscaled; None if they are part of
            `features`.
    """

    features: Tensor
    stack: Tensor | None

    @classmethod
    def of(cls, own: Tensor, stack: Tensor) -> "Condition":
        """Return a level's condition from its own features and the outputs of the encoder's blocks."""
        if own.shape[-1] >= 2 * stack.shape[-1]:
            return cls(own, stack)
        whole = torch.cat([own, interpolate(stack, size=own.shape[-2:])], dim=1)
        return cls(whole.contiguous(memory_format=torch.channels_last), None)

    @property
    def factor(self) -> int:
        """Upscaling factor of the stack; 1 without a stack."""
        return 1 if self.stack is None else self.features.shape[-1] // self.stack.shape[-1]


class Weights(NamedTuple):
    """The weights of a coupling's network with its ActNorms folded in, or their gradients.

    Attributes:
        first_z, first_features, first_stack, first_bias: first convolution, split by its inputs; `first_stack` holds
            `product_kernels`.
        second, second_bias: 1×1 convolution.
        last, last_bias: last convolution; its outputs are all shifts, then all raw scales.
    """

    first_z: Tensor
    first_features: Tensor
    first_stack: Tensor
    first_bias: Tensor
    second: Tensor
    second_bias: Tensor
    last: Tensor
    last_bias: Tensor

    @classmethod
    def of(cls, network: ShiftAndScale, z_channels: int, feature_channels: int) -> "Weights":
        """Return a network's weights, differentiably.

        Args:
            network: the plain network.
            z_channels, feature_channels: input channels of z and of the features; the rest are the stack's.
        """
        weight, bias = folded_conv(submodule(network.net, "0", NormalisedConv))
        stack_start = z_channels + feature_channels
        return cls(
            weight[:, :z_channels],
            weight[:, z_channels:stack_start],
            product_kernels(weight[:, stack_start:]),
            bias,
            *folded_conv(submodule(network.net, "2", NormalisedConv)),
            *folded_zero_conv(submodule(network.net, "4", ZeroConv)),
        )

    def cast(self, dtype: torch.dtype) -> "Weights":
        """Return the weights in `dtype`, channels last."""
        cast = (weight.to(dtype) for weight in self)
        return Weights(*(x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x for x in cast))
