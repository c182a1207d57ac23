"""Translation with DeFlow: the plain network's results from a fraction of its operations.

All transformations are exact up to rounding and done once per model: ActNorms are folded into the convolutions next to
them, the affine maps between two couplings (ActNorm and the 1×1 convolutions of Glow, arXiv 1807.03039, table 1) into
one matrix, and matrices are inverted. Couplings are in `patina.models.fast_coupling`.
"""

from collections.abc import Iterator
from copy import deepcopy
from functools import reduce

import torch
from torch import Tensor
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from patina.layers.bijection import Bijection, Chain, State
from patina.layers.channels import mix_channels
from patina.layers.conditional import Condition
from patina.layers.coupling import ConditionalCoupling
from patina.layers.domain_gaussian import DomainGaussian
from patina.layers.folding import Affine, composed, folded_affine
from patina.layers.split import Split
from patina.models.deflow import DeFlow
from patina.models.fast_coupling import FastStep, PaddedCondition, SharedWork, Work
from patina.models.fast_encoder import FastEncoder
from patina.system.allocator import return_freed_memory

MEMORY_PER_PIXEL = 800
"""Default memory of a translation in bytes per pixel; the plain path of the AIM model takes 1700."""

WORKING_BYTES = {torch.float32: 540, torch.bfloat16: 240}
"""The part of it that features, hidden maps and scratch space take, in bytes per pixel, by dtype."""

TIDY_EVERY, TIDY_FROM = 8, 2**16
"""Freed memory is returned to the system after every so many steps, for images of at least so many pixels. Otherwise
fragmentation by the couplings' temporary maps doubles the memory of a process."""


class FastDeFlow:
    """A trained `DeFlow` prepared for translation and sampling, with the plain network's interface for both.

    The flow's own arithmetic is always float32.

    Args:
        network: the plain network on its device; its weights are copied, so later training does not change the copy.
        dtype: dtype of the convolutions, ``torch.float32`` or ``torch.bfloat16``.
        kept_bytes: memory for results on the condition that are kept from encoding to decoding. Results that do not fit
            are computed twice, those that save the fewest operations per byte first. None limits the whole translation
            to `MEMORY_PER_PIXEL`. The AIM model has 3300 bytes of such results per pixel in float32, 1600 in bfloat16.
    """

    @torch.no_grad()
    def __init__(self, network: DeFlow, dtype: torch.dtype = torch.float32, kept_bytes: int | None = None):
        self.architecture = network.architecture
        self.latent_layout = network.latent_layout
        self.device = network.prior.mean_shift.device
        self.dtype = dtype
        self.kept_bytes = kept_bytes
        self._encoder = FastEncoder(network.encoder, dtype)
        self._levels = [_FastLevel(network, index, dtype) for index in range(self.architecture.levels)]
        self._priors = [_PreparedGaussian(prior) for prior in network.priors]

    @torch.inference_mode()
    def translate(
        self, image: Tensor, condition: Tensor, label: Tensor, noise: State, heat: float | Tensor = 1.0
    ) -> Tensor:
        """Translate images of domain `label` to the other domain, see `DeFlow.translate`."""
        conditions = self._conditions(condition)
        shared = SharedWork(self._worth_keeping(image, conditions))
        latents = self._encode(image, conditions, shared)
        translated = [
            torch.lerp(z, prior.translate(z, label, draw), heat)
            for prior, z, draw in zip(self._priors, latents, noise, strict=True)
        ]
        return self._decode(translated, conditions, shared)

    @torch.inference_mode()
    def sample(self, condition: Tensor, label: Tensor, noise: State) -> Tensor:
        """Draw images from p(image | condition, label), with standard-normal `noise`, see `DeFlow.sample`."""
        latents = [prior.sample(label, draw) for prior, draw in zip(self._priors, noise, strict=True)]
        return self._decode(latents, self._conditions(condition), SharedWork(set()))

    def _conditions(self, condition: Tensor) -> list[PaddedCondition]:
        features, stack = self._encoder.features(condition)
        return [PaddedCondition(Condition.of(own, stack)) for own in features]

    def _encode(self, image: Tensor, conditions: list[PaddedCondition], shared: SharedWork) -> list[Tensor]:
        z, latents = image, []
        for level, condition in zip(self._levels, conditions, strict=True):
            z = pixel_unshuffle(z, 2)
            for step in level.steps:
                z = step.encode(mix_channels(z, *step.affine), condition, shared)
                self._tidy(step, z)
            if level.split is not None:
                (latent, z), _ = level.split.encode((z,), None)
                latents.append(latent)
        return [*latents, z]

    def _decode(self, latents: list[Tensor], conditions: list[PaddedCondition], shared: SharedWork) -> Tensor:
        *split_off, z = latents
        for level, condition in zip(reversed(self._levels), reversed(conditions), strict=True):
            if level.split is not None:
                (z,) = level.split.decode((split_off.pop(), z), None)
            for step in reversed(level.steps):
                z = mix_channels(step.decode(z, condition, shared), *step.inverse)
                self._tidy(step, z)
            z = pixel_shuffle(z, 2)
        return z

    def _tidy(self, step: FastStep, z: Tensor) -> None:
        level, index = step.name
        if z.device.type == "cpu" and index % TIDY_EVERY == 0 and z[:, 0].numel() << (2 * level + 2) >= TIDY_FROM:
            return_freed_memory()

    def _worth_keeping(self, image: Tensor, conditions: list[PaddedCondition]) -> set[Work]:
        """Choose the work to keep from encoding to decoding, in order of operations saved per byte."""
        pixels = image[:, 0].numel()
        offers = [
            (operations / size, work, size * (pixels >> (2 * level.index + 2)))
            for level, condition in zip(self._levels, conditions, strict=True)
            for step in level.steps
            for work, operations, size in step.offers(condition.factor)
        ]
        by_default = (MEMORY_PER_PIXEL - WORKING_BYTES[self.dtype]) * pixels
        kept, room = set(), by_default if self.kept_bytes is None else self.kept_bytes
        for _, work, size in sorted(offers, key=lambda offer: offer[0], reverse=True):
            if size <= room:
                kept.add(work)
                room -= size
        return kept


class _FastLevel:
    """A level of the flow: steps, followed by a split in the finest level."""

    def __init__(self, network: DeFlow, index: int, dtype: torch.dtype):
        layers = [layer for layer, level in zip(network.layers, network.layer_levels, strict=True) if level == index]
        encoder = network.encoder
        is_upscaled = index + 1 < encoder.doublings
        features = encoder.trunk_conv.out_channels if is_upscaled else encoder.channels
        self.index = index
        self.steps = [
            FastStep((index, number), affine, coupling, features, dtype)
            for number, (affine, coupling) in enumerate(_affine_and_coupling(layers))
        ]
        splits = [layer for layer in layers if isinstance(layer, Split)]
        self.split = deepcopy(splits[0]) if splits else None


class _PreparedGaussian(DomainGaussian):
    """A copy of a latent's Gaussian with precomputed matrices."""

    def __init__(self, plain: DomainGaussian):
        super().__init__(len(plain.mean_shift))
        self.to(plain.mean_shift.device).load_state_dict(plain.state_dict())
        self._posterior, self._root = plain.posterior(), plain.root()

    def posterior(self) -> tuple[Tensor, Tensor]:
        """Return the matrices of `DomainGaussian.posterior`."""
        return self._posterior

    def root(self) -> Tensor:
        """Return the matrix of `DomainGaussian.root`."""
        return self._root


def _affine_and_coupling(layers: list[Bijection]) -> Iterator[tuple[Affine, ConditionalCoupling]]:
    """Yield every coupling with the affine maps before it composed into one, in float64."""
    pending: list[Affine] = []
    for member in (member for layer in layers if isinstance(layer, Chain) for member in layer.members):
        if isinstance(member, ConditionalCoupling):
            yield reduce(composed, pending), member
            pending = []
        else:
            pending.append(folded_affine(deepcopy(member).double()))
