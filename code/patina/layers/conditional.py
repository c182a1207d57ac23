"""A coupling's conditional work taken apart: the condition by its sizes, a network's weights by what they multiply.

conv([z, condition]) = conv(z) + conv(condition), and what of the condition is upscaled is convolved at its own size
(`patina.layers.nearest`).
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
    """A level's condition.

    Attributes:
        features: the level's own, ``[N, F, H, W]``, channels last.
        stack: the blocks' outputs, ``[N, C, h, w]``, where they are upscaled; elsewhere they are part of `features`.
    """

    features: Tensor
    stack: Tensor | None

    @classmethod
    def of(cls, own: Tensor, stack: Tensor) -> "Condition":
        """Return a level's condition by its own features and the blocks' outputs."""
        if own.shape[-1] >= 2 * stack.shape[-1]:
            return cls(own, stack)
        whole = torch.cat([own, interpolate(stack, size=own.shape[-2:])], dim=1)
        return cls(whole.contiguous(memory_format=torch.channels_last), None)

    @property
    def factor(self) -> int:
        """How many times the stack is upscaled; 1 where it is not."""
        return 1 if self.stack is None else self.features.shape[-1] // self.stack.shape[-1]


class Weights(NamedTuple):
    """A coupling's network: its weights, ActNorms folded in, or their gradients.

    Attributes:
        of_z, of_features, of_stack, first_bias: the first convolution's; `of_stack` are `product_kernels`.
        second, second_bias: the 1×1 convolution's.
        last, last_bias: the last one's, shifts first and raw scales behind them.
    """

    of_z: Tensor
    of_features: Tensor
    of_stack: Tensor
    first_bias: Tensor
    second: Tensor
    second_bias: Tensor
    last: Tensor
    last_bias: Tensor

    @classmethod
    def of(cls, network: ShiftAndScale, of_z: int, of_features: int) -> "Weights":
        """Return a network's weights, differentiably.

        Args:
            network: the plain one.
            of_z, of_features: of how many channels; the stack's are behind them.
        """
        weight, bias = folded_conv(submodule(network.net, "0", NormalisedConv))
        behind = of_z + of_features
        return cls(
            weight[:, :of_z],
            weight[:, of_z:behind],
            product_kernels(weight[:, behind:]),
            bias,
            *folded_conv(submodule(network.net, "2", NormalisedConv)),
            *folded_zero_conv(submodule(network.net, "4", ZeroConv)),
        )

    def cast(self, dtype: torch.dtype) -> "Weights":
        """Return them in `dtype`, channels last."""
        cast = (each.to(dtype) for each in self)
        return Weights(*(x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x for x in cast))
