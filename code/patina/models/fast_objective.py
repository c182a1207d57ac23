"""DeFlow's training objective by the algebra of `patina.models.fast_deflow`, with gradients.

The parameters are the plain network's own. Affine maps between couplings are folded into one at every call, as part of
the function that is differentiated; what a coupling does is in `patina.layers.coupling_gradient`.
"""

from collections.abc import Sequence
from functools import reduce
from typing import Literal

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from patina.layers.bijection import Bijection, Chain, State
from patina.layers.channels import mix_channels
from patina.layers.conditional import Condition
from patina.layers.coupling import ConditionalCoupling
from patina.layers.coupling_gradient import encode as encode_coupling
from patina.layers.folding import composed, folded_affine, log_volume
from patina.layers.precision import full_precision
from patina.models.deflow import DeFlow

Recompute = Literal["nothing", "hidden", "everything"]
"""What the backward pass computes again instead of keeping it: nothing that costs much; the encoder's blocks and the
second one of a coupling's hidden maps (``hidden``); or these and the first one (``everything``)."""

KEPT = {"nothing": 2, "hidden": 1, "everything": 0}
"""How many of the hidden maps are kept."""


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
    run = _call if recompute == "nothing" else _checkpointed
    features, stack = network.encoder.features(condition.contiguous(memory_format=torch.channels_last), run)
    conditions = [Condition.of(own, stack) for own in features]

    def encode(noisy: Tensor) -> tuple[State, Tensor]:
        state: State = (noisy,)
        total = noisy.new_zeros(len(noisy))
        for layer, level in zip(network.layers, network.layer_levels, strict=True):
            *others, coupling = layer.members if isinstance(layer, Chain) else [layer]
            if isinstance(coupling, ConditionalCoupling):
                z, gained = _mixed(others, state[-1])
                z, by_coupling = encode_coupling(coupling, z, conditions[level], KEPT[recompute])
                state, gained = (*state[:-1], z), gained + by_coupling
            else:
                state, gained = layer(state, None)
            total = total + gained
        return state, total

    return network.objective(encode, image, label, quantisation)


def _call(block: nn.Module, x: Tensor) -> Tensor:
    return block(x)


def _checkpointed(block: nn.Module, x: Tensor) -> Tensor:
    """Call a block without keeping what its backward pass needs."""
    return checkpoint(block, x, use_reentrant=False, preserve_rng_state=False)


def _mixed(members: Sequence[Bijection], x: Tensor) -> tuple[Tensor, Tensor]:
    """Encode through affine maps of the channels as through one; return the log-determinant, too."""
    with full_precision(x):
        mixed = mix_channels(x, *reduce(composed, map(folded_affine, members)))
    return mixed, x[0, 0].numel() * torch.stack([log_volume(each) for each in members]).sum()
