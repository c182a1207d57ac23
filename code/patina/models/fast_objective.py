"""DeFlow's training objective with the algebra of `patina.models.fast_deflow`, and with gradients.

The parameters are the plain network's own. The affine maps between two couplings (ActNorm and the 1×1 convolutions of
Glow, arXiv 1807.03039, table 1) are folded into one at every call; autograd differentiates the folding, too. The
couplings and their gradients are in `patina.layers.coupling_gradient`.
"""

from collections.abc import Callable, Sequence
from functools import partial, reduce
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
"""What the backward pass recomputes instead of keeping: nothing expensive; the encoder's blocks and the second of a
coupling's two hidden maps (``hidden``); or also the first hidden map (``everything``)."""

KEPT = {"nothing": 2, "hidden": 1, "everything": 0}
"""Number of a coupling's hidden maps that are kept."""


def fast_objective(
    network: DeFlow,
    image: Tensor,
    condition: Tensor,
    label: Tensor,
    quantisation: int | None = None,
    recompute: Recompute = "nothing",
) -> Tensor:
    """Return the network's negative log-likelihood per pixel, ``[N]`` in bits; see `DeFlow.forward`.

    ActNorms must have been initialised.

    Args:
        network: the plain network.
        image, condition, label, quantisation: as in `DeFlow.forward`.
        recompute: what the backward pass recomputes.
    """
    run: Callable[[nn.Module, Tensor], Tensor] = _call
    if recompute != "nothing":
        run = partial(checkpoint, use_reentrant=False, preserve_rng_state=False)
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
    """Apply a block as `checkpoint` does, but keep what its backward pass needs."""
    return block(x)


def _mixed(members: Sequence[Bijection], x: Tensor) -> tuple[Tensor, Tensor]:
    """Encode through affine maps of the channels, composed to one; return also H · W · log |det W| (Glow, eq. 9)."""
    with full_precision(x):
        mixed = mix_channels(x, *reduce(composed, map(folded_affine, members)))
    return mixed, x[0, 0].numel() * torch.stack([log_volume(member) for member in members]).sum()
