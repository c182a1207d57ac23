"""A trained DeFlow as a degradation: translates pictures of any size between the domains, tile by tile."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from patina.conditions.autoencoder import DenoisingAutoencoder
from patina.conditions.condition_map import ConditionMap, Draw
from patina.data.normalisation import DomainStatistics
from patina.degradations.base import Parameters
from patina.degradations.deflow_configuration import DeFlowConfiguration
from patina.degradations.knobs import HANDLES, Knob, Span
from patina.degradations.learned_degradation import LearnedDegradation, PictureRows, Tiling, Use
from patina.errors import PatinaError, require_range
from patina.imaging.blended_tiles import Tile, apply_tiled
from patina.imaging.crop_and_pad import padded_rows, reflect_pad_to_multiple, reflected
from patina.imaging.matlab_resize import imresize_bands
from patina.imaging.tiled_bands import tiled_bands
from patina.imaging.value_spaces import infinity_as_nan, to_pixels, to_tensor
from patina.layers.bijection import State
from patina.models.deflow import DeFlow
from patina.models.fast_deflow import FastDeFlow
from patina.models.labels import CLEAN, REAL
from patina.models.model_files import ModelFile, built_network, typed_part
from patina.models.published import from_published_deflow, is_published_deflow
from patina.seeding import derive, noise_window

KIND = "deflow"
TILE, OVERLAP = HANDLES[KIND].tile, HANDLES[KIND].overlap
SMALLEST_TILE = 64
BATCH_ON_ACCELERATOR = 4


class DeFlowDegradation(LearnedDegradation):
    """Translates or samples with a trained DeFlow.

    Args:
        network: the network in inference form, on the device to compute on.
        statistics: channel statistics of the training data, from the model file.
        h: the domain-invariant map that computes the condition (Wolf et al., CVPR 2021, arXiv 2101.05796), as in
            training.
        source: domain of the input pictures, `CLEAN` (X) or `REAL` (Y).
        heat: how far to translate, 0 to 1.
        tile, overlap: side of a tile and overlap of neighbouring tiles, in pixels.
        batch: pictures per batch; None picks it for the device.
    """

    kind: ClassVar[str] = KIND
    knobs: ClassVar[tuple[Knob, ...]] = HANDLES[KIND].knobs
    default_tile: ClassVar[int] = TILE

    def __init__(
        self,
        network: FastDeFlow,
        statistics: DomainStatistics,
        *,
        h: ConditionMap,
        source: int = CLEAN,
        heat: Span = 1.0,
        tile: int = TILE,
        overlap: int = OVERLAP,
        batch: int | None = None,
    ):
        self.network = network
        self.precision = network.dtype
        self.statistics = statistics
        self.h = h
        self.source = source
        self.settings = {"heat": heat}
        self.tile = tile
        self.overlap = overlap
        self.device = self.network.device
        self.batch = batch or (1 if self.device.type == "cpu" else BATCH_ON_ACCELERATOR)

    @classmethod
    def from_model(cls, model: ModelFile, path: Path, use: Use) -> "DeFlowDegradation":
        """Make the degradation of a model file."""
        configuration = typed_part(DeFlowConfiguration, model.configuration, path, "configuration")
        tile, overlap, kept_bytes = _checked(use.tiling, configuration.architecture.multiple)
        statistics = typed_part(DomainStatistics, model.statistics, path, "statistics")
        network = built_network(partial(DeFlow, configuration.architecture), network_weights(model.weights), path)
        return cls(
            FastDeFlow(network.to(use.device), use.precision, kept_bytes),
            statistics,
            h=_map_of(configuration, model.weights, path),
            heat=use.settings["heat"],
            source=use.source,
            tile=tile,
            overlap=overlap,
        )

    @classmethod
    def published_weights(cls, state: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
        """Rename a published state dict."""
        return from_published_deflow(state) if is_published_deflow(state) else None

    def apply(self, image: Tensor, parameters: Parameters, key: int) -> Tensor:
        """Translate ``[3, H, W]`` of the source domain to the other one, clamped to [0, 1]."""
        return self.apply_batch([image], [parameters], [key])[0]

    def apply_batch(
        self, images: Sequence[Tensor], parameters: Sequence[Parameters], keys: Sequence[int]
    ) -> list[Tensor]:
        """Translate pictures of one size, `batch` at a time if they fit into a tile, else one by one."""
        target = CLEAN if self.source == REAL else REAL
        room = self.batch if max(images[0].shape[-2:]) <= self.tile else 1
        results: list[Tensor] = []
        for first in range(0, len(images), room):
            part = slice(first, first + room)
            heat = torch.tensor([drawn["heat"] for drawn in parameters[part]], device=self.device).view(-1, 1, 1, 1)
            translate = partial(self.network.translate, heat=heat)
            results += self._compute(torch.stack(list(images[part])), keys[part], translate, target)
        return results

    @property
    def works_in_bands(self) -> bool:
        """Whether `bands` is supported: only if h begins with the bicubic downscaling, as the published one does."""
        return self.h.is_prepared

    def bands(self, picture: PictureRows, parameters: Parameters, key: int) -> Iterator[Tensor]:
        """Yield the result of `apply` in bands: reads the picture for its condition, which is small, and once more."""
        target, multiple = CLEAN if self.source == REAL else REAL, self.network.architecture.multiple
        padded = tuple(len(reflected(length, multiple)) for length in picture.size)
        rows = padded_rows(picture.open(), picture.size, multiple)
        shrunk = imresize_bands(
            lambda start, stop: to_pixels(rows(start, stop), np.uint8), (padded[0], padded[1]), 1 / self.h.scale
        )
        condition = to_tensor(np.concatenate(list(shrunk)))
        if self.source == REAL:
            condition = self.statistics.normalise_condition(condition)
        conditions = self.h.local(condition, placed_noise(key))[None]
        heat = torch.tensor([parameters["heat"]], device=self.device).view(-1, 1, 1, 1)
        on_tile = self._tile_function(conditions, [key], partial(self.network.translate, heat=heat))
        source = picture.open()
        normalise = self.statistics.normalise_image if self.source == REAL else lambda pixels: pixels
        found = tiled_bands(
            on_tile, lambda start, stop: normalise(source(start, stop)), picture.size,
            tile=self.tile, overlap=self.overlap, multiple=multiple,
        )  # fmt: skip
        yield from (self._finished(band, target) for band in found)

    @property
    def matches_colours(self) -> bool:
        """Whether the training data of the domains were matched."""
        return self.statistics.is_matched

    def sample(self, image: Tensor, domain: int, key: int) -> Tensor:
        """Sample a picture of `domain` given the condition of `image`, ``[3, H, W]`` in [0, 1]."""

        def sample(tile: Tensor, condition: Tensor, label: Tensor, noise: State) -> Tensor:
            return self.network.sample(condition, torch.full_like(label, domain), noise)

        return self._compute(image[None], [key], sample, domain)[0]

    def _compute(
        self, images: Tensor, keys: Sequence[int], function: Callable[..., Tensor], target: int
    ) -> Sequence[Tensor]:
        """Run `function` on the padded, normalised pictures and restore the statistics of domain `target`.

        A single picture is split into tiles; a batch of several must fit into one tile.
        """
        padded, (height, width) = reflect_pad_to_multiple(images, self.network.architecture.multiple)
        conditions = torch.stack([condition_of(picture, self.h) for picture in padded])
        if self.source == REAL:
            padded = self.statistics.normalise_image(padded)
            conditions = self.statistics.normalise_condition(conditions)
        conditions = torch.stack(
            [self.h.local(condition, placed_noise(key)) for condition, key in zip(conditions, keys, strict=True)]
        )
        on_tile = self._tile_function(conditions, keys, function)
        if len(padded) == 1:
            multiple = self.network.architecture.multiple
            result = apply_tiled(on_tile, padded[0], tile=self.tile, overlap=self.overlap, multiple=multiple)[None]
        else:
            result = on_tile(padded, Tile(0, 0, *padded.shape[-2:]))
        return self._finished(result[..., :height, :width], target).unbind()

    def _tile_function(
        self, conditions: Tensor, keys: Sequence[int], function: Callable[..., Tensor]
    ) -> Callable[[Tensor, Tile], Tensor]:
        """Return what computes a tile of every picture from its pixels, the pictures' conditions and its noise."""
        label = torch.full((len(keys),), float(self.source), device=self.device)

        def on_tile(pixels: Tensor, tile: Tile) -> Tensor:
            low = self._noisy_conditions(conditions, tile, keys).to(self.device)
            noise = tuple(draws.to(self.device) for draws in self._latent_noise(tile, keys))
            return function(pixels.to(self.device), low, label, noise).cpu()

        return on_tile

    def _finished(self, result: Tensor, target: int) -> Tensor:
        """Restore the statistics of domain `target`, and clamp."""
        if target == REAL:
            result = self.statistics.restore_real(result)
        return infinity_as_nan(result).clamp(0, 1)

    def _noisy_conditions(self, conditions: Tensor, tile: Tile, keys: Sequence[int]) -> Tensor:
        """Crop the conditions to a tile and add the noise of its position: ``[N, 3, h, w]``."""
        top, left, height, width = _at_scale(tile, self.network.architecture.scale)
        crops = conditions[..., top : top + height, left : left + width]
        return torch.stack(
            [self.h.final(crop, placed_noise(key, top, left)) for crop, key in zip(crops, keys, strict=True)]
        )

    def _latent_noise(self, tile: Tile, keys: Sequence[int]) -> Iterator[Tensor]:
        """Yield the noise of every latent at a tile's position, ``[N, C, h, w]``."""
        for index, (channels, divisor) in enumerate(self.network.latent_layout):
            window = _at_scale(tile, divisor)
            yield torch.stack([noise_window(derive(key, "latent", index), channels, *window) for key in keys])


def _checked(tiling: Tiling, multiple: int) -> tuple[int, int, int | None]:
    """Return tile, overlap and cache size in bytes, with defaults for what is not set."""
    tile = TILE if tiling.tile is None else tiling.tile
    require_range("tile", tile, SMALLEST_TILE)
    if tile % multiple:
        raise PatinaError(f"-tile is {tile}, expected a multiple of {multiple} for this model")
    overlap = min(OVERLAP, tile // 4) if tiling.overlap is None else tiling.overlap
    require_range("overlap", overlap, 0, tile // 2)
    if tiling.kept_mb is None:
        return tile, overlap, None
    require_range("kept_mb", tiling.kept_mb, 0)
    return tile, overlap, tiling.kept_mb * 2**20


def condition_of(image: Tensor, h: ConditionMap) -> Tensor:
    """Apply h's deterministic steps, up to its first noise, to 8-bit pixels as in a prepared set.

    Args:
        image: ``[3, H, W]`` RGB in [0, 1].
        h: the map h.
    """
    return to_tensor(h.whole(to_pixels(image, np.uint8)))


def placed_noise(key: int, top: int = 0, left: int = 0) -> Draw:
    """Return noise for h that depends on the position in the picture: a window at (top, left) of each step's field."""

    def draw(number: int, shape: torch.Size) -> Tensor:
        field = derive(key, "condition", *([number] if number else []))
        return noise_window(field, shape[-3], top, left, *shape[-2:])

    return draw


def _map_of(configuration: DeFlowConfiguration, weights: Mapping[str, Tensor], path: Path) -> ConditionMap:
    """Return the map h that a model was trained with."""
    networks = {}
    for index, step in enumerate(configuration.steps):
        if step.autoencoder:
            prefix = f"h.{index}."
            own = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
            network = built_network(partial(DenoisingAutoencoder, step.autoencoder.features), own, path)
            networks[index] = network.eval().requires_grad_(False)
    return ConditionMap(configuration.steps, networks)


def described_map(h: ConditionMap) -> dict[str, Any]:
    """Return the entry for h in a model file's configuration."""
    if h.published_noise is not None:
        return {"condition_noise": h.published_noise}
    return {"h": [step.plain() for step in h.steps]}


def network_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a model file's weights without those of h."""
    return {name: value for name, value in weights.items() if not name.startswith("h.")}


def _at_scale(tile: Tile, divisor: int) -> tuple[int, int, int, int]:
    return tile.top // divisor, tile.left // divisor, tile.height // divisor, tile.width // divisor
