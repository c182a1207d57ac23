"""Where LUD-VAE starts: near the identity, so that a training of thousands of steps, not of 100,000, learns noise.

The published network is a chain of up to 24 convolutions without shortcuts or normalisation; from the usual random
weights it spends thousands of steps on finding the picture again, and the latents die in the meantime. Here
every channel starts as a copy of a colour that all stages pass on, and a latent as the difference between what the
two encoders see, which is the noise.
"""

import math

import torch
from torch import Tensor, nn

from patina.layers.submodules import bias_of, submodule
from patina.models.ludvae import IMAGE_CHANNELS, LUDVAE, STAGES

SPREAD = 0.2
"""Deviation of what is added to the passing weights, relative to a layer that keeps variances."""

LATENT_SCALE = 0.05
"""What a latent of 1 stands for in features, so in the picture's values: 13/255, a strong noise."""

POSTERIOR_LOG_DEVIATION = -1.0
"""Where the posterior of the last latent, which is nearest to the picture, starts."""


@torch.no_grad()
def start_near_identity(network: LUDVAE) -> None:
    """Set all weights so that the decoder returns about what both encoders are given, the real one through its noise.

    Random numbers come from torch's global generator.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            _spread(module)
    for name in ("inconv", "inconv_n"):
        _add(getattr(network, name), _copies(network.architecture.channels))
    network.outconv.weight.zero_()
    _add(network.outconv, _means(network.architecture.channels))
    for stage in range(1, STAGES + 1):
        _start_stage(network, stage)
    network.inconv_n.load_state_dict(network.inconv.state_dict())
    for stage in range(1, STAGES + 1):
        # The same features of both, so that their difference is the noise alone.
        network.get_submodule(f"enc_n_{stage}").load_state_dict(network.get_submodule(f"enc_{stage}").state_dict())


def _start_stage(network: LUDVAE, stage: int) -> None:
    channels = network.architecture.channels
    eye = torch.eye(channels)
    for block in ("enc", "enc_n", "dec"):
        for layer in network.get_submodule(f"{block}_{stage}").modules():
            if isinstance(layer, nn.Conv2d):
                layer.weight[:, :, 1, 1] += eye
    mixing, _ = torch.linalg.qr(torch.randn(channels, channels))
    join = submodule(network, f"proj_{stage}.proj", nn.Conv2d)
    join.weight[:, channels:] = 0
    _add(join, torch.cat([eye, LATENT_SCALE * mixing], dim=1))
    mean, log_deviation = (submodule(network, f"Gauconv_q_{stage}.{part}", nn.Conv2d) for part in "mv")
    for layer in (mean, log_deviation):
        layer.weight *= 0.5
    if stage == STAGES:
        return
    # The nearest features are passed on; what lies deeper is added as it is learned.
    _add(submodule(network, f"proj_c_{stage}.proj", nn.Conv2d), torch.cat([0 * eye, eye], dim=1))
    difference = submodule(network, f"proj_n_{stage}.proj", nn.Conv2d)
    difference.weight.zero_()
    _add(difference, torch.cat([-eye, eye], dim=1))
    mean.weight.zero_()
    # Both stages carry the noise, each one half.
    _add(mean, mixing.T / (2 * LATENT_SCALE))
    if stage == 1:
        nn.init.constant_(bias_of(log_deviation), POSTERIOR_LOG_DEVIATION)
    for part in "mv":
        submodule(network, f"Gauconv_p_{stage}.{part}", nn.Conv2d).weight *= 0.5


def _spread(layer: nn.Conv2d) -> None:
    fan_in = layer.weight[0].numel()
    nn.init.normal_(layer.weight, 0, SPREAD / math.sqrt(fan_in))
    # Even, gray areas are passed on as they are.
    layer.weight -= layer.weight.mean(dim=(1, 2, 3), keepdim=True)
    nn.init.zeros_(bias_of(layer))


def _add(layer: nn.Conv2d, matrix: Tensor) -> None:
    """Add a matrix ``[out, in]`` to a 1x1 convolution."""
    layer.weight += matrix[:, :, None, None]


def _copies(channels: int) -> Tensor:
    """Return ``[channels, 3]``: red, green, blue, red, …"""
    return torch.eye(IMAGE_CHANNELS).repeat(math.ceil(channels / IMAGE_CHANNELS), 1)[:channels]


def _means(channels: int) -> Tensor:
    """Return ``[3, channels]``: each colour is the mean of its copies."""
    copies = _copies(channels).T
    return copies / copies.sum(dim=1, keepdim=True).clamp(min=1)
