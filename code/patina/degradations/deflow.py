"""A trained DeFlow as a degradation: whole pictures of any size, in tiles, from either domain to the other."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from patina.data.normalisation import DomainStatistics
from patina.degradations.base import Parameters
from patina.degradations.learned import Knob, LearnedDegradation, Span, Tiling, Use, require_range
from patina.imaging.crops import reflect_pad_to_multiple
from patina.imaging.files import to_pixels, to_tensor
from patina.imaging.resize import imresize
from patina.imaging.tiles import Tile, apply_tiled
from patina.models.deflow import DeFlow, DeFlowArchitecture
from patina.models.files import ModelFile, load_weights
from patina.models.labels import CLEAN, REAL
from patina.models.published import from_published_deflow, is_published_deflow
from patina.seeding import derive, noise_window

KIND = "deflow"
TILE, OVERLAP = 512, 64
SMALLEST_TILE = 64


class DeFlowDegradation(LearnedDegradation):
    """Translates or samples with a trained DeFlow.

    Args:
        network: in eval mode, on the device to compute on.
        statistics: the training data's, from the model file.
        condition_noise: deviation of the noise on the condition, as in training.
        source: the domain pictures come from, `CLEAN` (X) or `REAL` (Y).
        heat: how far to translate, 0 to 1.
        tile, overlap: side of a tile and overlap of neighbours, in pixels.
        precision: ``torch.float32`` or ``torch.bfloat16``.
    """

    kind: ClassVar[str] = KIND
    knobs: ClassVar[tuple[Knob, ...]] = (Knob("heat", "DeFlow: how far to translate, 0 to 1", 0, 1, default=1.0),)

    def __init__(
        self,
        network: DeFlow,
        statistics: DomainStatistics,
        *,
        condition_noise: float,
        source: int = CLEAN,
        heat: Span = 1.0,
        tile: int = TILE,
        overlap: int = OVERLAP,
        precision: torch.dtype = torch.float32,
    ):
        self.network = network
        self.statistics = statistics
        self.condition_noise = condition_noise
        self.source = source
        self.settings = {"heat": heat}
        self.tile = tile
        self.overlap = overlap
        self.precision = precision

    @classmethod
    def from_model(cls, model: ModelFile, path: Path, use: Use) -> "DeFlowDegradation":
        """Make the degradation of a model file."""
        tile, overlap = _checked(use.tiling)
        network = DeFlow(DeFlowArchitecture(**model.configuration["architecture"]))
        load_weights(network, model.weights, path)
        return cls(
            network.eval().requires_grad_(False).to(use.device),
            DomainStatistics.from_dict(model.statistics),
            condition_noise=model.configuration["condition_noise"],
            **use.settings,
            source=use.source,
            tile=tile,
            overlap=overlap,
            precision=use.precision,
        )

    @classmethod
    def published_weights(cls, state: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
        """Rename a published state dict."""
        return from_published_deflow(state) if is_published_deflow(state) else None

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
            tile=self.tile,
            overlap=self.overlap,
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


def _checked(tiling: Tiling) -> tuple[int, int]:
    """Return tile and overlap, where nothing is asked for the defaults."""
    tile = TILE if tiling.tile is None else tiling.tile
    require_range("tile", tile, SMALLEST_TILE)
    overlap = min(OVERLAP, tile // 4) if tiling.overlap is None else tiling.overlap
    require_range("overlap", overlap, 0, tile // 2)
    return tile, overlap


def condition_of(image: Tensor, scale: int) -> Tensor:
    """Return h(image): MATLAB bicubic 1/scale of 8-bit pixels, rounded as in a prepared set.

    Args:
        image: ``[3, H, W]`` RGB in [0, 1].
        scale: how many times smaller.
    """
    return to_tensor(imresize(to_pixels(image, np.uint8), 1 / scale))


def _at_scale(tile: Tile, divisor: int) -> tuple[int, int, int, int]:
    return tile.top // divisor, tile.left // divisor, tile.height // divisor, tile.width // divisor
