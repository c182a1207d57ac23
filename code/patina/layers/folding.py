"""Plain layers folded into fewer linear maps, differentiable in the layers' parameters."""

import torch
from torch import Tensor

from patina.layers.actnorm import ActNorm
from patina.layers.bijection import Bijection
from patina.layers.channel_mixing import ChannelMixing
from patina.layers.coupling import LOGS_FACTOR, NormalisedConv, ZeroConv

Affine = tuple[Tensor, Tensor]
"""Weight and bias of a convolution, or of a matrix ``[C, C]`` applied to the channels at every position."""


def folded_conv(layer: NormalisedConv) -> Affine:
    """Fold a convolution and its ActNorm: (x * w + b) · exp(l) = x * (w · exp(l)) + b · exp(l)."""
    scale = layer.actnorm.logs.exp()
    return layer.weight * scale.view(-1, 1, 1, 1), (layer.actnorm.bias * scale).flatten()


def folded_zero_conv(layer: ZeroConv) -> Affine:
    """Fold (x * w + b) · exp(3 l); even outputs (shifts) come first, then odd ones (raw scales)."""
    scale = torch.exp(LOGS_FACTOR * layer.logs).flatten()
    weight, bias = layer.weight * scale.view(-1, 1, 1, 1), layer.bias * scale
    return torch.cat([weight[0::2], weight[1::2]]), torch.cat([bias[0::2], bias[1::2]])


def folded_affine(member: Bijection) -> Affine:
    """Return an ActNorm, (x + b) · exp(l), or an invertible 1×1 convolution as z = W x + v.

    Raises:
        TypeError: the bijection is not an affine map of the channels.
    """
    if isinstance(member, ActNorm):
        scale = member.logs.exp().flatten()
        return torch.diag(scale), member.bias.flatten() * scale
    if isinstance(member, ChannelMixing):
        matrix = member.matrix()
        return matrix, matrix.new_zeros(len(matrix))
    raise TypeError(f"{type(member).__name__} is not an affine map of the channels")


def log_volume(member: Bijection) -> Tensor:
    """Return log |det W| of the matrix that `folded_affine` returns."""
    if isinstance(member, ActNorm):
        return member.logs.sum()
    if isinstance(member, ChannelMixing):
        return member.log_s.sum()
    raise TypeError(f"{type(member).__name__} is not an affine map of the channels")


def composed(first: Affine, second: Affine) -> Affine:
    """Return W₂ (W₁ x + v₁) + v₂ as one affine map."""
    (weight, bias), (next_weight, next_bias) = first, second
    return next_weight @ weight, next_weight @ bias + next_bias


def inverted(affine: Affine) -> Affine:
    """Return the inverse, x = W⁻¹ z − W⁻¹ v, computed in float64."""
    weight, bias = (part.double() for part in affine)
    inverse = torch.linalg.inv(weight)
    return inverse.to(affine[0].dtype), -(inverse @ bias).to(affine[1].dtype)
