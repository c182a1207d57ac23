"""DeFlow: one conditional flow for two domains of unpaired images (Wolf et al., CVPR 2021, arXiv 2101.05796).

The flow is Glow's (arXiv 1807.03039, table 1: ActNorm, invertible 1×1 convolution, affine coupling) with conditional
couplings. Its likelihood is the change of variables of RealNVP (arXiv 1605.08803, equations 2 and 3), given the
condition h(x) and the domain:

    log p(x | h(x), domain) = log p(z | domain) + log |det ∂f(x; h(x)) / ∂x|,    z = f(x; h(x))

The domains share f; only the latents' Gaussians differ (`DomainGaussian`). Training maximises the likelihood of both
domains. Translating X to Y computes f⁻¹(f(x; h(x)) + u; h(x)) with a draw u ~ N(mu, S Sᵀ).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import ConfigDict, Field
from torch import Tensor, nn

from patina.layers.actnorm import ActNorm, initialising_from_batch
from patina.layers.batch_draws import uniform_like
from patina.layers.bijection import Bijection, Chain, Squeeze, State
from patina.layers.channel_mixing import ChannelMixing
from patina.layers.coupling import ConditionalCoupling
from patina.layers.domain_gaussian import DomainGaussian
from patina.layers.split import Split
from patina.layers.submodules import Modules
from patina.models.condition_encoder import ConditionEncoder

IMAGE_CHANNELS = 3

Width = Annotated[int, Field(ge=1, le=4096)]
Depth = Annotated[int, Field(ge=1, le=256)]


@dataclass(frozen=True)
class DeFlowArchitecture:
    """The size of a DeFlow network; the defaults are the published AIM model."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=False, use_attribute_docstrings=True)

    scale: int = 8
    """Ratio of image size to condition size: 2, 4, 8 or 16."""

    features: Width = 64
    """Channels of the condition encoder (an RRDB trunk)."""

    blocks: Depth = 23
    """RRDB blocks of the condition encoder."""

    growth: Width = 32
    """Growth of the encoder's dense blocks, in channels."""

    stacked_blocks: Annotated[tuple[int, ...], Field(max_length=256)] = (1, 8, 15, 22)
    """Indices of the RRDB blocks whose outputs are appended to every condition, counted from 0."""

    levels: Annotated[int, Field(ge=1, le=6)] = 3
    """Levels of the flow; image sides are multiples of 2 to the power of `levels`."""

    steps: Depth = 16
    """Flow steps with coupling in each level."""

    steps_without_coupling: Annotated[int, Field(ge=0, le=256)] = 2
    """Flow steps without coupling (ActNorm and 1×1 convolution) at the start of each level."""

    hidden: Width = 128
    """Hidden channels of the couplings' networks."""

    def __post_init__(self) -> None:
        if self.scale not in (2, 4, 8, 16):
            raise ValueError(f"scale must be 2, 4, 8 or 16, not {self.scale}")
        if outside := [index for index in self.stacked_blocks if not 0 <= index < self.blocks]:
            raise ValueError(f"stacked_blocks names block {outside[0]}, but blocks are 0 to {self.blocks - 1}")

    @property
    def multiple(self) -> int:
        """The number that both sides of an image must be multiples of."""
        return max(2**self.levels, self.scale)


class DeFlow(nn.Module):
    """The flow f(image | h(image)) and the Gaussians of its latents.

    The condition h(image) is a downscaled copy of the image that shows its content but not its domain. Images
    are ``[N, 3, H, W]`` RGB in [0, 1], H and W multiples of `architecture.multiple`; conditions are
    ``[N, 3, H/scale, W/scale]``; labels ``[N]``, 0 clean (X), 1 real (Y).
    """

    def __init__(self, architecture: DeFlowArchitecture):
        super().__init__()
        self.architecture = architecture
        a = architecture
        self.encoder = ConditionEncoder(a.scale, a.features, a.blocks, a.growth, a.stacked_blocks, a.levels)
        self.layers: Modules[Bijection] = Modules()
        self.layer_levels: list[int] = []
        channels = IMAGE_CHANNELS
        for level in range(a.levels):
            channels *= 4
            members: list[Bijection] = [Squeeze()]
            members += [_step(channels) for _ in range(a.steps_without_coupling)]
            members += [_step(channels, self.encoder.channels, a.hidden) for _ in range(a.steps)]
            if level == 0:
                split = Split(channels)
                members.append(split)
                channels = split.kept
            self.layers.extend(members)
            self.layer_levels += [level] * len(members)
        self.prior = DomainGaussian(channels)

    @property
    def priors(self) -> list[DomainGaussian]:
        """The latents' Gaussians, finest latent first."""
        return [layer.prior for layer in self.layers if isinstance(layer, Split)] + [self.prior]

    @property
    def latent_layout(self) -> list[tuple[int, int]]:
        """Channels of every latent and the image's size divided by the latent's, finest latent first."""
        channels = [len(prior.mean_shift) for prior in self.priors]
        return list(zip(channels, [2, 2**self.architecture.levels], strict=True))

    def encode(self, image: Tensor, conditions: list[Tensor]) -> tuple[State, Tensor]:
        """Encode images given `self.encoder(condition)`; return the latents and log |det Jacobian|, ``[N]`` in nats."""
        state: State = (image,)
        total = image.new_zeros(len(image))
        for layer, level in zip(self.layers, self.layer_levels, strict=True):
            state, log_determinant = layer(state, conditions[level])
            total = total + log_determinant
        return state, total

    def decode(self, latents: State, conditions: list[Tensor]) -> Tensor:
        """Undo `encode`; the image is not clamped."""
        state = tuple(latents)
        for layer, level in zip(reversed(list(self.layers)), reversed(self.layer_levels), strict=True):
            state = layer.decode(state, conditions[level])
        return state[0]

    def log_density(self, latents: State, label: Tensor) -> Tensor:
        """Return Σ log p(z | label) over all latents, ``[N]`` in nats."""
        return torch.stack([prior.log_density(z, label) for prior, z in zip(self.priors, latents, strict=True)]).sum(0)

    def forward(self, image: Tensor, condition: Tensor, label: Tensor, quantisation: int | None = None) -> Tensor:
        """Return the training objective: the negative log-likelihood (RealNVP, equation 3) per pixel, ``[N]`` in bits.

        With `quantisation` q, uniform noise (U − ½)/q dequantises the images, and −log q per position is added to the
        log-determinant (Glow, equation 2, has it per channel).
        """
        return self.objective(lambda noisy: self.encode(noisy, self.encoder(condition)), image, label, quantisation)

    def objective(
        self,
        encode: Callable[[Tensor], tuple[State, Tensor]],
        image: Tensor,
        label: Tensor,
        quantisation: int | None = None,
    ) -> Tensor:
        """Return the objective of `forward`, with another function for encoding images."""
        positions = image[0, 0].numel()
        constant = 0.0
        if quantisation is not None:
            image = image + (uniform_like(image) - 0.5) / quantisation
            constant = -math.log(quantisation) * positions
        latents, log_determinant = encode(image)
        log_likelihood = log_determinant + constant + self.log_density(latents, label)
        return -log_likelihood / (math.log(2) * positions)

    @torch.no_grad()
    def translate(
        self, image: Tensor, condition: Tensor, label: Tensor, noise: State, heat: float | Tensor = 1.0
    ) -> Tensor:
        """Translate images of domain `label` to the other domain.

        Args:
            image, condition, label: as in the class.
            noise: standard-normal draws of the latents' shapes (`latent_layout`).
            heat: weight of the translated latents, (1 − heat)·z + heat·z_translated: 0 returns the image, 1 the full
                translation. One number, or one for each image, ``[N, 1, 1, 1]``.

        Returns:
            ``[N, 3, H, W]``, not clamped.
        """
        conditions = self.encoder(condition)
        latents, _ = self.encode(image, conditions)
        translated = tuple(
            torch.lerp(z, prior.translate(z, label, draw), heat)
            for prior, z, draw in zip(self.priors, latents, noise, strict=True)
        )
        return self.decode(translated, conditions)

    @torch.no_grad()
    def sample(self, condition: Tensor, label: Tensor, noise: State) -> Tensor:
        """Draw images from p(image | condition, label), with standard-normal `noise`."""
        latents = tuple(prior.sample(label, draw) for prior, draw in zip(self.priors, noise, strict=True))
        return self.decode(latents, self.encoder(condition))

    @torch.no_grad()
    def initialise(self, image: Tensor, condition: Tensor, label: Tensor, quantisation: int | None) -> Tensor:
        """Initialise every ActNorm from the first batch (Glow, section 3.1); return the batch's objective."""
        with initialising_from_batch(self):
            return self(image, condition, label, quantisation)


def _step(channels: int, condition_channels: int | None = None, hidden: int = 0) -> Chain:
    """Return a step of the flow (Glow, section 3): ActNorm, invertible 1×1 convolution, optionally a coupling."""
    members: list[Bijection] = [ActNorm(channels), ChannelMixing(channels)]
    if condition_channels is not None:
        members.append(ConditionalCoupling(channels, condition_channels, hidden))
    return Chain(*members)
