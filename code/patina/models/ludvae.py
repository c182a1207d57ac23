"""LUD-VAE: a variational model of two domains of unpaired images (Zheng et al., TPAMI 2022, arXiv 2204.10090).

With the image x, its label l (0 clean, 1 real) and the noisy copy x̃ that hides the domain, the latents z3, z2, z1 are

    z_k = l (m + exp(v) noise)    with (m, v) of the posterior q(z_k | x, x̃, z_>k) in training,
                                  of the prior p(z_k | x̃, z_>k) in translation; p(z3) = N(0, 1)

so clean images have none, and all that an image shows of its domain is in the latents. Training minimises the negative
evidence lower bound (ELBO), here with a weight w on the KL terms:

    |x − decoder(x̃, z)|² + w l Σ_k KL(q(z_k | x, x̃, z_>k) ‖ p(z_k | x̃, z_>k))

It needs no pairs under the paper's assumption of invariant inference: x̃ must not show the domain.

The parameters have the published names, so a published state dict loads as it is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import ConfigDict, Field
from torch import Tensor, nn

from patina.layers.batch_draws import normal_like
from patina.layers.precision import full_precision
from patina.layers.submodules import submodule

IMAGE_CHANNELS = 3
STAGES = 3
CONVOLUTIONS = 4
"""Number of 3×3 convolutions in a block."""

BORDER = 2 * STAGES * CONVOLUTIONS
"""Radius of the receptive field: one pixel for every 3×3 convolution of the encoder and the decoder."""


Moments = tuple[Tensor, Tensor]
"""Mean and log standard deviation of a latent, ``[N, channels, H, W]`` each."""


@dataclass(frozen=True)
class LUDVAEArchitecture:
    """The size of a LUD-VAE; the default is the published one."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=False, use_attribute_docstrings=True)

    channels: Annotated[int, Field(ge=1, le=4096)] = 128
    """Channels of every feature map and of every latent."""


class LUDVAE(nn.Module):
    """Two encoders without downscaling, and a decoder with a Gaussian latent at each of three stages.

    Images are ``[N, 3, H, W]`` RGB in [0, 1] of any size; real images are matched to the clean set's statistics.
    `hidden` is the image with enough noise to hide its domain. Labels are ``[N]``, 0 clean, 1 real. Latents and their
    standard-normal draws are ``[N, channels, H, W]``, deepest stage first.
    """

    def __init__(self, architecture: LUDVAEArchitecture):
        super().__init__()
        self.architecture = architecture
        channels = architecture.channels
        self.inconv = nn.Conv2d(IMAGE_CHANNELS, channels, 1)
        self.inconv_n = nn.Conv2d(IMAGE_CHANNELS, channels, 1)
        for stage in range(1, STAGES + 1):
            self.add_module(f"enc_{stage}", StageBlock(channels))
            self.add_module(f"enc_n_{stage}", StageBlock(channels))
            self.add_module(f"dec_{stage}", StageBlock(channels))
            self.add_module(f"Gauconv_q_{stage}", MomentsHead(channels))
            self.add_module(f"proj_{stage}", StageJoin(channels))
            if stage < STAGES:
                self.add_module(f"Gauconv_p_{stage}", MomentsHead(channels))
                self.add_module(f"proj_c_{stage}", StageJoin(channels))
                self.add_module(f"proj_n_{stage}", StageJoin(channels))
        self.outconv = nn.Conv2d(channels, IMAGE_CHANNELS, 1)

    def forward(
        self, image: Tensor, hidden: Tensor, label: Tensor, noise: Iterable[Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Reconstruct images through their posterior latents.

        Args:
            image, hidden, label: as in the class.
            noise: standard-normal draws; None draws them from torch's global generator.

        Returns:
            The reconstruction ``[N, 3, H, W]``, and the KL divergence of the posterior from the prior in nats, ``[N]``,
            summed over stages, positions and channels; it is 0 for clean images.
        """
        contents = self._encode("enc", self.inconv(hidden))
        noises = self.encode_noise(image)
        draws = iter(noise) if noise is not None else None
        real = _as_column(label)
        decoded: Tensor | None = None
        divergence = torch.zeros(len(image), device=image.device)
        for stage in range(STAGES, 0, -1):
            features, prior = self._content(stage, decoded, contents[stage - 1])
            own = noises[stage - 1] if prior is None else self.join("proj_n", stage)(features, noises[stage - 1])
            posterior = self.gaussian("Gauconv_q", stage)(own)
            divergence = divergence + label * _divergence(posterior, prior)
            latent = real * _sample(posterior, next(draws) if draws else normal_like(posterior[0]))
            decoded = self.join("proj", stage)(features, latent)
        return self._image(decoded), divergence

    @torch.no_grad()
    def translate(self, hidden: Tensor, label: Tensor, noise: Iterable[Tensor], temperature: Tensor) -> Tensor:
        """Translate images to the other domain, without the noise encoder.

        Args:
            hidden, label: as in the class; `label` is the images' source domain.
            noise: standard-normal draws, consumed lazily; not consumed at all without noise (real to clean, or
                temperature 0).
            temperature: ``[N]``, factor of every latent.

        Returns:
            ``[N, 3, H, W]``, not clamped.
        """
        strength = _as_column((1 - label) * temperature)
        return self.decoded(hidden, noise if strength.any() else None, strength)

    def decoded(self, hidden: Tensor, noise: Iterable[Tensor] | None, strength: Tensor | float) -> Tensor:
        """Encode the hidden images, and decode them with drawn latents.

        Args:
            hidden: as in the class.
            noise: standard-normal draws; None for latents of zero.
            strength: factor of the latents, one number or ``[N, 1, 1, 1]``.

        Returns:
            ``[N, 3, H, W]``, not clamped.
        """
        contents = self._encode("enc", self.inconv(hidden))
        draws = None if noise is None else iter(noise)
        decoded: Tensor | None = None
        for stage in range(STAGES, 0, -1):
            features, prior = self._content(stage, decoded, contents.pop())
            if draws is None:
                latent = torch.zeros_like(features)
            else:
                draw = next(draws)
                latent = strength * (draw if prior is None else _sample(prior, draw))
            decoded = self.join("proj", stage)(features, latent)
        return self._image(decoded)

    def encode_noise(self, image: Tensor) -> list[Tensor]:
        """Return the noise encoder's features of stages 1, 2, 3, which only training needs."""
        return self._encode("enc_n", self.inconv_n(image))

    def block(self, name: str, stage: int) -> "StageBlock":
        """Return a block of a stage: `enc`, `enc_n` or `dec`."""
        return submodule(self, f"{name}_{stage}", StageBlock)

    def join(self, name: str, stage: int) -> "StageJoin":
        """Return a join of a stage: `proj`, `proj_c` or `proj_n`."""
        return submodule(self, f"{name}_{stage}", StageJoin)

    def gaussian(self, name: str, stage: int) -> "MomentsHead":
        """Return the posterior `Gauconv_q` or the prior `Gauconv_p` of a stage."""
        return submodule(self, f"{name}_{stage}", MomentsHead)

    def _encode(self, name: str, features: Tensor) -> list[Tensor]:
        """Return the features of stages 1, 2, 3."""
        outputs = []
        for stage in range(1, STAGES + 1):
            features = self.block(name, stage)(features)
            outputs.append(features)
        return outputs

    def _content(self, stage: int, decoded: Tensor | None, content: Tensor) -> tuple[Tensor, Moments | None]:
        """Return a stage's features without its latent, and the latent's prior; None stands for N(0, 1)."""
        if decoded is None:
            return content, None
        above = self.block("dec", stage + 1)(decoded)
        features = self.join("proj_c", stage)(above, content)
        return features, self.gaussian("Gauconv_p", stage)(features)

    def _image(self, decoded: Tensor | None) -> Tensor:
        return self.outconv(self.block("dec", 1)(decoded)).float()


def evidence_bound(image: Tensor, reconstruction: Tensor, divergence: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    """Return the two terms of the negative evidence bound: mean squared error, and KL divergence of the real images.

    The KL divergence is divided by (number of real images · C·H·W); without real images it is 0.
    """
    error = (reconstruction - image).square().mean()
    return error, divergence.sum() / (label.sum().clamp(min=1) * image[0].numel())


def is_published_ludvae(state: Mapping[str, Tensor]) -> bool:
    """Whether a state dict has LUD-VAE's parameter names."""
    return "inconv_n.weight" in state and "Gauconv_q_3.m.weight" in state


class StageBlock(nn.Module):
    """Four 3×3 convolutions with ReLU between them."""

    def __init__(self, channels: int):
        super().__init__()
        layers: list[nn.Module] = []
        for index in range(CONVOLUTIONS):
            if index:
                layers.append(nn.ReLU(inplace=True))
            layers.append(nn.Conv2d(channels, channels, 3, padding=1))
        self.net = nn.Sequential(*layers)

    @property
    def convolutions(self) -> list[nn.Conv2d]:
        """The convolutions in order."""
        return [layer for layer in self.net if isinstance(layer, nn.Conv2d)]

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[N, channels, H, W]`` to the same shape."""
        return self.net(x)


class StageJoin(nn.Module):
    """Joins two feature maps by a 1×1 convolution."""

    def __init__(self, channels: int):
        super().__init__()
        self.proj = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Map two ``[N, channels, H, W]`` to one."""
        # Latents are float32; without the cast, both maps would be, at twice the memory of bf16.
        return self.proj(torch.cat([first, second.to(first.dtype)], dim=1))


class MomentsHead(nn.Module):
    """Computes the mean and log standard deviation of a latent by 1×1 convolutions."""

    def __init__(self, channels: int):
        super().__init__()
        self.m = nn.Conv2d(channels, channels, 1)
        self.v = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Moments:
        """Map features ``[N, channels, H, W]`` to the moments."""
        return self.m(x), self.v(x)


def _sample(moments: Moments, noise: Tensor) -> Tensor:
    """Draw z = m + exp(v)·noise."""
    mean, log_std = moments
    return mean + log_std.exp() * noise


def _divergence(posterior: Moments, prior: Moments | None) -> Tensor:
    """Return KL(posterior ‖ prior) in nats, ``[N]``; exponentials and the long sum need float32."""
    with full_precision(posterior[0]):
        mean, log_std = (part.float() for part in posterior)
        if prior is not None:
            prior_mean, prior_log_std = (part.float() for part in prior)
            mean = (mean - prior_mean) * (-prior_log_std).exp()
            log_std = log_std - prior_log_std
        # KL(N(m, s²) ‖ N(0, 1)) with s = exp(v) (Kingma and Welling 2013, appendix B). KL(N(m, s²) ‖ N(m', s'²)) is the
        # same with (m - m') / s' and s / s'.
        terms = 0.5 * (mean.square() + (2 * log_std).exp() - 1) - log_std
        return terms.sum(dim=(1, 2, 3))


def _as_column(values: Tensor) -> Tensor:
    return values.view(-1, 1, 1, 1)
