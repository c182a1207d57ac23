"""DeFlow's training objective by the algebra of `patina.models.fast_deflow`, with gradients.

The parameters are the plain network's own. Kernels are folded and taken apart at every call, as part of the function
that is differentiated; that is little beside what they are applied to.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import conv2d, interpolate
from torch.utils.checkpoint import checkpoint

from patina.layers.bijection import Chain, State
from patina.layers.coupling import ConditionalCoupling, ShiftAndScale
from patina.layers.folding import folded_conv, folded_zero_conv
from patina.layers.nearest import AddUpscaled, product_kernels
from patina.layers.precision import full_precision
from patina.models.deflow import DeFlow

Recompute = Literal["nothing", "hidden", "everything"]
"""What the backward pass computes again instead of keeping it: nothing; all of a step but the condition's part of the
first convolutions, which is most of its operations; or all of it. The encoder's blocks, too, with the last two."""

Moments = tuple[Tensor, Tensor]
"""Shift and scale, ``[N, C, H, W]``."""


def fast_objective(
    network: DeFlow,
    image: Tensor,
    condition: Tensor,
    label: Tensor,
    quantisation: int | None = None,
    recompute: Recompute = "nothing",
) -> Tensor:
    """Return `network`'s negative log-likelihood in bits per pixel position, ``[N]``, see `DeFlow.forward`.

    ActNorms must have been initialised.

    Args:
        network: the plain network.
        image, condition, label, quantisation: as in `DeFlow.forward`.
        recompute: what is not kept for the backward pass.
    """
    run = _call if recompute == "nothing" else partial(checkpoint, use_reentrant=False, preserve_rng_state=False)
    features, stack = network.encoder.features(condition.contiguous(memory_format=torch.channels_last), run)

    def encode(noisy: Tensor) -> tuple[State, Tensor]:
        state: State = (noisy,)
        total = noisy.new_zeros(len(noisy))
        for layer, level in zip(network.layers, network.layer_levels, strict=True):
            if not isinstance(layer, Chain) or not isinstance(layer.members[-1], ConditionalCoupling):
                state, gained = layer(state, None)
            elif recompute == "everything":
                z, gained = run(partial(_whole_step, layer), state[-1], features[level], stack)
                state = (*state[:-1], z)
            else:
                z, gained = run(partial(_step, layer), state[-1], *_firsts(layer.members[-1], features[level], stack))
                state = (*state[:-1], z)
            total = total + gained
        return state, total

    return network.objective(encode, image, label, quantisation)


def _call(function: Callable[..., object], *arguments: Tensor) -> object:
    """Call a function as `checkpoint` does, keeping what its backward pass needs."""
    return function(*arguments)


def _whole_step(step: Chain, x: Tensor, own: Tensor, stack: Tensor) -> tuple[Tensor, Tensor]:
    return _step(step, x, *_firsts(step.members[-1], own, stack))


def _step(step: Chain, x: Tensor, first_by_half: Tensor, first_by_condition: Tensor) -> tuple[Tensor, Tensor]:
    """Encode ``[N, C, H, W]`` through a step, given the condition's part of its first convolutions."""
    *others, coupling = step.members
    total: Tensor | float = 0.0
    for member in others:
        (x,), gained = member((x,), None)
        total = total + gained
    first, second = x[:, : coupling.kept], x[:, coupling.kept :]
    of_z = folded_conv(coupling.by_half.net[0])[0][:, : coupling.kept]
    hidden = first_by_half + conv2d(first.contiguous(memory_format=torch.channels_last), of_z, padding=1)
    half_shift, half_scale = _moments(coupling.by_half, hidden)
    shift, scale = _moments(coupling.by_condition, first_by_condition)
    with full_precision(x):
        z = torch.cat([first, second / half_scale - half_shift], dim=1) / scale - shift
        return z, total - half_scale.log().sum(dim=(1, 2, 3)) - scale.log().sum(dim=(1, 2, 3))


def _moments(network: ShiftAndScale, hidden: Tensor) -> Moments:
    """Return shift and scale in float32 of what a network's first convolution gives."""
    second, last = folded_conv(network.net[2]), folded_zero_conv(network.net[4])
    raw = conv2d(_conv1x1(torch.relu(hidden), *second).relu_(), *last, padding=1)
    shift, scale = raw.float().contiguous().chunk(2, dim=1)
    return shift, torch.sigmoid(scale + 2.0) + network.epsilon


def _firsts(coupling: ConditionalCoupling, own: Tensor, stack: Tensor) -> tuple[Tensor, Tensor]:
    """Return the condition's part of the first convolutions of both of a coupling's networks."""
    weight, bias = folded_conv(coupling.by_half.net[0])
    by_half = _first(weight[:, coupling.kept :], bias, own, stack)
    return by_half, _first(*folded_conv(coupling.by_condition.net[0]), own, stack)


def _first(weight: Tensor, bias: Tensor, own: Tensor, stack: Tensor) -> Tensor:
    """Convolve the condition: its own features, and the blocks' outputs at their own size where that is smaller."""
    factor = own.shape[-1] // stack.shape[-1]
    if factor < 2:
        whole = torch.cat([own, interpolate(stack, size=own.shape[-2:])], dim=1)
        return conv2d(whole, weight, bias, padding=1)
    split = own.shape[1]
    products = _conv1x1(stack, product_kernels(weight[:, split:]))
    return AddUpscaled.apply(conv2d(own, weight[:, :split], bias, padding=1), products, factor)


def _conv1x1(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Convolve by 1×1 with every row as an image: for few images torch takes a slow way where it has one thread."""
    rows = x.permute(0, 2, 3, 1).flatten(0, 1)[:, None].permute(0, 3, 1, 2)
    result = conv2d(rows, weight, bias)
    return result.permute(0, 2, 3, 1).reshape(len(x), *x.shape[2:], -1).permute(0, 3, 1, 2)
