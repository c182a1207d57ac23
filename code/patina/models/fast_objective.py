"""DeFlow's training objective, computed as in `patina.models.fast_deflow` but differentiable.

The parameters are those of the plain network. Every call folds the affine maps between two couplings (ActNorm and the
1×1 convolutions of Glow, arXiv 1807.03039, table 1) into one; autograd differentiates through the folding. The
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
"""What the backward pass recomputes: nothing expensive; the encoder's blocks and the second of a coupling's two hidden
maps (``hidden``); or the first hidden map as well (``everything``)."""

KEPT = {"nothing": 2, "hidden": 1, "everything": 0}
"""Number of hidden maps stored per coupling."""


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
                z, log_determinant = _mixed(others, state[-1])
                z, of_coupling = encode_coupling(coupling, z, conditions[level], KEPT[recompute])
                state, log_determinant = (*state[:-1], z), log_determinant + of_coupling
            else:
                state, log_determinant = layer(state, None)
            total = total + log_determinant
        return state, total

    return network.objective(encode, image, label, quantisation)


def _call(block: nn.Module, x: Tensor) -> Tensor:
    """Apply a block without checkpointing."""
    return block(x)


def _mixed(members: Sequence[Bijection], x: Tensor) -> tuple[Tensor, Tensor]:
    """Encode through affine maps composed into one; return the result and H · W · log |det W| (Glow, equation 9)."""
    with full_precision(x):
        mixed = mix_channels(x, *reduce(composed, map(folded_affine, members)))
    return mixed, x[0, 0].numel() * torch.stack([log_volume(member) for member in members]).sum()
