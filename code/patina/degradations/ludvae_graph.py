"""A LUD-VAE's translation from clean to real as a graph without random numbers: the noise is an input."""

from collections.abc import Mapping

import torch
from torch import Tensor

from patina.data.normalisation import ImageStatistics
from patina.degradations.ludvae_degradation import hide
from patina.models.ludvae import IMAGE_CHANNELS, LUDVAE, STAGES
from patina.models.network_export import INPUT, ExportedGraph

NOISE = "noise"
"""Name of the graph's second input."""


class LUDVAEGraph(ExportedGraph):
    """Maps an image ``[1, 3, H, W]``, RGB in [0, 1], and standard-normal noise ``[1, channels, H, W]`` to the image.

    The first three channels of the noise hide the domain, the others are the draws of the latents, deepest stage first;
    with a temperature of 0 there are only the first three.

    Args:
        network: the network; changed in place.
        statistics: channel statistics of the training data.
        knobs: values of `noise_level`, `temperature` and `detail`, as in `LUDVAEDegradation`.
    """

    inputs = (INPUT, NOISE)

    def __init__(self, network: LUDVAE, statistics: ImageStatistics, knobs: Mapping[str, float]):
        super().__init__()
        self.dtype = torch.float32
        self.network: LUDVAE = network.eval().requires_grad_(False)
        self.statistics = statistics
        self.noise_level, self.temperature = knobs["noise_level"], knobs["temperature"]
        self.detail = knobs["detail"]

    def in_precision(self, half: bool) -> "LUDVAEGraph":
        """Return the graph, from now on in float16 inside if `half`."""
        self.dtype = torch.float16 if half else torch.float32
        self.network.to(self.dtype)
        return self

    @property
    def noise_channels(self) -> int:
        """Number of the noise's channels."""
        latents = STAGES * self.network.architecture.channels if self.temperature else 0
        return IMAGE_CHANNELS + latents

    def examples(self, height: int, width: int) -> tuple[Tensor, ...]:
        """Return an image and noise."""
        return torch.rand(1, IMAGE_CHANNELS, height, width), torch.randn(1, self.noise_channels, height, width)

    def forward(self, image: Tensor, noise: Tensor) -> Tensor:
        """Translate an image."""
        hidden = hide(image, noise[:, :IMAGE_CHANNELS], self.noise_level).to(self.dtype)
        draws = noise[:, IMAGE_CHANNELS:].to(self.dtype).chunk(STAGES, dim=1) if self.temperature else None
        result = self.network.decoded(hidden, draws, self.temperature)
        if self.detail:
            result = result + self.detail * (image - self.network.decoded(hidden, None, 0.0))
        return self.statistics.restore_real(result).clamp(0, 1)
