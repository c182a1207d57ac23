"""Plain layers as fewer linear maps with the same result; all of it is differentiable in their parameters."""

import torch
from torch import Tensor

from patina.layers.actnorm import ActNorm
from patina.layers.bijection import Bijection
from patina.layers.channel_mixing import ChannelMixing
from patina.layers.coupling import LOGS_FACTOR, NormalisedConv, ZeroConv

Affine = tuple[Tensor, Tensor]
"""A weight and a bias: of a convolution, or of a matrix ``[C, C]`` that multiplies every position's channels."""


def folded_conv(layer: NormalisedConv) -> Affine:
    """(x * w + b) · exp(l) = x * (w · exp(l)) + b · exp(l): a convolution with its ActNorm."""
    scale = layer.actnorm.logs.exp()
    return layer.weight * scale.view(-1, 1, 1, 1), (layer.actnorm.bias * scale).flatten()


def folded_zero_conv(layer: ZeroConv) -> Affine:
    """(x * w + b) · exp(3 l), its even outputs (shifts) first and its odd ones (raw scales) behind them."""
    scale = torch.exp(LOGS_FACTOR * layer.logs).flatten()
    weight, bias = layer.weight * scale.view(-1, 1, 1, 1), layer.bias * scale
    return torch.cat([weight[0::2], weight[1::2]]), torch.cat([bias[0::2], bias[1::2]])


def folded_affine(member: Bijection) -> Affine:
    """Return an ActNorm, (x + b) · exp(l), or a 1×1 convolution as z = W x + v.

    Raises:
        TypeError: the bijection is no affine map of the channels.
    """
    if isinstance(member, ActNorm):
        scale = member.logs.exp().flatten()
        return torch.diag(scale), member.bias.flatten() * scale
    if isinstance(member, ChannelMixing):
        matrix = member.matrix()
        return matrix, matrix.new_zeros(len(matrix))
    raise TypeError(f"{type(member).__name__} is no affine map of the channels")


def log_volume(member: Bijection) -> Tensor:
    """Return log |det W| of the matrix that `folded_affine` returns."""
    if isinstance(member, ActNorm):
        return member.logs.sum()
    if isinstance(member, ChannelMixing):
        return member.log_s.sum()
    raise TypeError(f"{type(member).__name__} is no affine map of the channels")


def composed(first: Affine, second: Affine) -> Affine:
    """Return W₂ (W₁ x + v₁) + v₂ as one affine map."""
    (weight, bias), (next_weight, next_bias) = first, second
    return next_weight @ weight, next_weight @ bias + next_bias


def inverted(affine: Affine) -> Affine:
    """Return x = W⁻¹ z − W⁻¹ v, inverted in float64."""
    weight, bias = (each.double() for each in affine)
    inverse = torch.linalg.inv(weight)
    return inverse.to(affine[0].dtype), -(inverse @ bias).to(affine[1].dtype)
