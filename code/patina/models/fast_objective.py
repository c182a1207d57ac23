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
from patina.layers.folding import Affine, folded_conv, folded_zero_conv
from patina.layers.nearest import AddUpscaled, product_kernels
from patina.layers.precision import full_precision
from patina.models.deflow import DeFlow

Recompute = Literal["nothing", "hidden", "everything"]
"""What the backward pass computes again instead of keeping it: nothing; what lies behind the first convolutions of the
couplings' networks, a small part of the operations; or all of a coupling, about a third more operations. With either of
the last two the encoder's blocks are computed again as well."""

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
    run = partial(checkpoint, use_reentrant=False, preserve_rng_state=False) if recompute != "nothing" else _call
    features, stack = network.encoder.features(condition.contiguous(memory_format=torch.channels_last), run)
    couple = partial(_coupled, stack=stack, run_hidden=run if recompute == "hidden" else _call)

    def encode(noisy: Tensor) -> tuple[State, Tensor]:
        state: State = (noisy,)
        total = noisy.new_zeros(len(noisy))
        for layer, level in zip(network.layers, network.layer_levels, strict=True):
            for member in layer.members if isinstance(layer, Chain) else [layer]:
                if isinstance(member, ConditionalCoupling):
                    step = partial(couple, member)
                    arguments = state[-1], features[level]
                    z, gained = run(step, *arguments) if recompute == "everything" else step(*arguments)
                    state = (*state[:-1], z)
                else:
                    state, gained = member(state, None)
                total = total + gained
        return state, total

    return network.objective(encode, image, label, quantisation)


def _call(function: Callable[..., object], *arguments: Tensor) -> object:
    """Call a function as `checkpoint` does, keeping what its backward pass needs."""
    return function(*arguments)


def _coupled(
    coupling: ConditionalCoupling, x: Tensor, own: Tensor, *, stack: Tensor, run_hidden: Callable[..., Tensor]
) -> tuple[Tensor, Tensor]:
    """Encode ``[N, C, H, W]`` as `ConditionalCoupling.encode_tensor` does."""
    first, second = x[:, : coupling.kept], x[:, coupling.kept :]
    half_shift, half_scale = _moments(coupling.by_half, first, own, stack, run_hidden)
    shift, scale = _moments(coupling.by_condition, None, own, stack, run_hidden)
    with full_precision(x):
        z = torch.cat([first, second / half_scale - half_shift], dim=1) / scale - shift
        return z, -half_scale.log().sum(dim=(1, 2, 3)) - scale.log().sum(dim=(1, 2, 3))


def _moments(
    network: ShiftAndScale, z: Tensor | None, own: Tensor, stack: Tensor, run_hidden: Callable[..., Tensor]
) -> Moments:
    """Return shift and scale in float32 by the condition and, where given, a half of the flow's tensor."""
    first, _, second, _, last = network.net
    weight, bias = folded_conv(first)
    inputs = 0 if z is None else z.shape[1]
    hidden = _first(weight[:, inputs:], bias, own, stack)
    if z is not None:
        hidden = hidden + conv2d(z.contiguous(memory_format=torch.channels_last), weight[:, :inputs], padding=1)
    raw = run_hidden(partial(_rest, folded_conv(second), folded_zero_conv(last)), hidden)
    shift, scale = raw.float().contiguous().chunk(2, dim=1)
    return shift, torch.sigmoid(scale + 2.0) + network.epsilon


def _first(weight: Tensor, bias: Tensor, own: Tensor, stack: Tensor) -> Tensor:
    """Convolve the condition: its own features, and the blocks' outputs at their own size where that is smaller."""
    factor = own.shape[-1] // stack.shape[-1]
    if factor < 2:
        whole = torch.cat([own, interpolate(stack, size=own.shape[-2:])], dim=1)
        return conv2d(whole, weight, bias, padding=1)
    split = own.shape[1]
    products = _conv1x1(stack, product_kernels(weight[:, split:]))
    return AddUpscaled.apply(conv2d(own, weight[:, :split], bias, padding=1), products, factor)


def _rest(second: Affine, last: Affine, hidden: Tensor) -> Tensor:
    """Apply what follows a first convolution."""
    return conv2d(_conv1x1(torch.relu(hidden), *second).relu_(), *last, padding=1)


def _conv1x1(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Convolve by 1×1 with every row as an image: for few images torch takes a slow way where it has one thread."""
    rows = x.permute(0, 2, 3, 1).flatten(0, 1)[:, None].permute(0, 3, 1, 2)
    result = conv2d(rows, weight, bias)
    return result.permute(0, 2, 3, 1).reshape(len(x), *x.shape[2:], -1).permute(0, 3, 1, 2)
