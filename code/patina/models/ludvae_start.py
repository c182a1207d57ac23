"""LUD-VAE's initialisation near the identity, with which thousands of steps instead of 100,000 learn the noise.

The published network is a chain of up to 24 convolutions without shortcuts or normalisation. With the usual random
initialisation, it needs thousands of steps to reproduce the image, and meanwhile the latents collapse. Here every
channel starts as a copy of a colour that all stages pass on, and a latent as the difference of the two encoders'
inputs, which is the noise.
"""

import math

import torch
from torch import Tensor, nn

from patina.layers.submodules import bias_of
from patina.models.ludvae import IMAGE_CHANNELS, LUDVAE, STAGES

SPREAD = 0.2
"""Std of the random weights added to the identity, relative to those of a layer that preserves variance."""

LATENT_SCALE = 0.05
"""Change of the features, hence of the image, per unit of a latent: 13/255, strong noise."""

POSTERIOR_LOG_STD = -1.0
"""Initial log standard deviation of the posterior of the last latent, the one nearest to the image."""


@torch.no_grad()
def start_near_identity(network: LUDVAE) -> None:
    """Set all weights so that the decoder nearly reproduces the image, a real one including its noise.

    Random numbers come from torch's global generator.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            _spread(module)
    for convolution in (network.inconv, network.inconv_n):
        _add(convolution, _copies(network.architecture.channels))
    network.outconv.weight.zero_()
    _add(network.outconv, _means(network.architecture.channels))
    for stage in range(1, STAGES + 1):
        _start_stage(network, stage)
    network.inconv_n.load_state_dict(network.inconv.state_dict())
    for stage in range(1, STAGES + 1):
        # Both encoders compute the same features, so their difference is the noise.
        network.block("enc_n", stage).load_state_dict(network.block("enc", stage).state_dict())


def _start_stage(network: LUDVAE, stage: int) -> None:
    channels = network.architecture.channels
    eye = torch.eye(channels)
    for name in ("enc", "enc_n", "dec"):
        for layer in network.block(name, stage).convolutions:
            layer.weight[:, :, 1, 1] += eye
    mixing, _ = torch.linalg.qr(torch.randn(channels, channels))
    join = network.join("proj", stage).proj
    join.weight[:, channels:] = 0
    _add(join, torch.cat([eye, LATENT_SCALE * mixing], dim=1))
    posterior = network.gaussian("Gauconv_q", stage)
    for layer in (posterior.m, posterior.v):
        layer.weight.mul_(0.5)
    if stage == STAGES:
        return
    # The stage's own features are passed on; deeper ones are added as they are learned.
    _add(network.join("proj_c", stage).proj, torch.cat([0 * eye, eye], dim=1))
    difference = network.join("proj_n", stage).proj
    difference.weight.zero_()
    _add(difference, torch.cat([-eye, eye], dim=1))
    posterior.m.weight.zero_()
    # Each of two stages carries half of the noise.
    _add(posterior.m, mixing.T / (2 * LATENT_SCALE))
    if stage == 1:
        nn.init.constant_(bias_of(posterior.v), POSTERIOR_LOG_STD)
    prior = network.gaussian("Gauconv_p", stage)
    for layer in (prior.m, prior.v):
        layer.weight.mul_(0.5)


def _spread(layer: nn.Conv2d) -> None:
    fan_in = layer.weight[0].numel()
    nn.init.normal_(layer.weight, 0, SPREAD / math.sqrt(fan_in))
    # Zero mean, so flat grey areas pass unchanged.
    layer.weight -= layer.weight.mean(dim=(1, 2, 3), keepdim=True)
    nn.init.zeros_(bias_of(layer))


def _add(layer: nn.Conv2d, matrix: Tensor) -> None:
    """Add a matrix ``[out, in]`` to a 1x1 convolution."""
    layer.weight += matrix[:, :, None, None]


def _copies(channels: int) -> Tensor:
    """Return ``[channels, 3]``: red, green, blue, red, …"""
    return torch.eye(IMAGE_CHANNELS).repeat(math.ceil(channels / IMAGE_CHANNELS), 1)[:channels]


def _means(channels: int) -> Tensor:
    """Return ``[3, channels]``: every colour is the mean of its copies."""
    copies = _copies(channels).T
    return copies / copies.sum(dim=1, keepdim=True).clamp(min=1)
