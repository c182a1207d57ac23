"""A trained DeFlow as a degradation: whole pictures of any size, in tiles, from either domain to the other."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from patina.data.normalisation import DomainStatistics
from patina.degradations.base import Degradation, Parameters
from patina.imaging.crops import reflect_pad_to_multiple
from patina.imaging.files import to_pixels, to_tensor
from patina.imaging.resize import imresize
from patina.imaging.tiles import Tile, apply_tiled
from patina.models.deflow import CLEAN, REAL, DeFlow
from patina.seeding import derive, noise_window


@dataclass(frozen=True)
class Tiling:
    """How large pictures are cut: side of a tile and overlap of neighbours, in pixels."""

    tile: int = 512
    overlap: int = 64


DEFAULT_TILING = Tiling()


class DeFlowDegradation(Degradation):
    """Translates or samples with a trained DeFlow.

    Args:
        network: in eval mode, on the device to compute on.
        statistics: the training data's, from the model file.
        condition_noise: deviation of the noise on the condition, as in training.
        source: the domain pictures come from, `CLEAN` (X) or `REAL` (Y).
        heat: how far to translate, 0 to 1.
        tiling: tile size and overlap.
        precision: ``torch.float32`` or ``torch.bfloat16``.
    """

    def __init__(
        self,
        network: DeFlow,
        statistics: DomainStatistics,
        *,
        condition_noise: float,
        source: int = CLEAN,
        heat: float = 1.0,
        tiling: Tiling = DEFAULT_TILING,
        precision: torch.dtype = torch.float32,
    ):
        self.network = network
        self.statistics = statistics
        self.condition_noise = condition_noise
        self.source = source
        self.heat = heat
        self.tiling = tiling
        self.precision = precision

    def draw(self, rng: np.random.Generator) -> Parameters:
        """Return the heat; nothing is random but the noise."""
        return {"heat": self.heat}

    def apply(self, image: Tensor, parameters: Parameters, key: int) -> Tensor:
        """Translate ``[3, H, W]`` of the source domain to the other one, clamped to [0, 1]."""

        def translate(tile: Tensor, condition: Tensor, label: Tensor, noise: tuple[Tensor, ...]) -> Tensor:
            return self.network.translate(tile, condition, label, noise, parameters["heat"])

        target = CLEAN if self.source == REAL else REAL
        return self._compute(image, key, translate, target)

    def sample(self, image: Tensor, domain: int, key: int) -> Tensor:
        """Draw a picture of `domain` that has the condition of `image`, ``[3, H, W]`` in [0, 1]."""

        def sample(tile: Tensor, condition: Tensor, label: Tensor, noise: tuple[Tensor, ...]) -> Tensor:
            return self.network.sample(condition, torch.full_like(label, domain), noise)

        return self._compute(image, key, sample, domain)

    def _compute(self, image: Tensor, key: int, function, target: int) -> Tensor:
        """Run `function` over tiles of the padded, normalised picture and bring the result to `target`."""
        padded, (height, width) = reflect_pad_to_multiple(image, self.network.architecture.multiple)
        condition = condition_of(padded, self.network.architecture.scale)
        if self.source == REAL:
            padded = self.statistics.normalise_image(padded)
            condition = self.statistics.normalise_condition(condition)
        device = next(self.network.parameters()).device
        label = torch.tensor([float(self.source)], device=device)

        def on_tile(pixels: Tensor, tile: Tile) -> Tensor:
            low = self._noisy_condition(condition, tile, key).to(device)
            noise = tuple(draw.to(device) for draw in self._latent_noise(tile, key))
            bf16 = self.precision == torch.bfloat16
            with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                return function(pixels.to(device), low, label, noise).float().cpu()

        result = apply_tiled(
            on_tile,
            padded,
            tile=self.tiling.tile,
            overlap=self.tiling.overlap,
            multiple=self.network.architecture.multiple,
        )[:, :height, :width]
        if target == REAL:
            result = self.statistics.restore_real(result)
        return result.clamp(0, 1)

    def _noisy_condition(self, condition: Tensor, tile: Tile, key: int) -> Tensor:
        """Cut a tile's condition and add the noise of its place: ``[1, 3, h, w]``."""
        top, left, height, width = _at_scale(tile, self.network.architecture.scale)
        cut = condition[:, top : top + height, left : left + width]
        noise = noise_window(derive(key, "condition"), 3, top, left, height, width)
        return (cut + self.condition_noise * noise)[None]

    def _latent_noise(self, tile: Tile, key: int) -> list[Tensor]:
        """Draw the latents' noise of a tile's place, each ``[1, C, h, w]``."""
        return [
            noise_window(derive(key, "latent", index), channels, *_at_scale(tile, divisor))[None]
            for index, (channels, divisor) in enumerate(self.network.latent_layout)
        ]


def condition_of(image: Tensor, scale: int) -> Tensor:
    """Return h(image): MATLAB bicubic 1/scale of 8-bit pixels, rounded as in a prepared set.

    Args:
        image: ``[3, H, W]`` RGB in [0, 1].
        scale: how many times smaller.
    """
    return to_tensor(imresize(to_pixels(image, np.uint8), 1 / scale))


def _at_scale(tile: Tile, divisor: int) -> tuple[int, int, int, int]:
    return tile.top // divisor, tile.left // divisor, tile.height // divisor, tile.width // divisor
