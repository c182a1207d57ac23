"""A trained LUD-DIF as a degradation: samples the whole image, predicting its noise tile by tile."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from patina.data.impulses import without_impulses
from patina.data.normalisation import ImageStatistics
from patina.degradations.base import Parameters
from patina.degradations.knobs import HANDLES, MOST_SAMPLING_STEPS, Knob, Span
from patina.degradations.learned_degradation import LearnedDegradation, Tiling, Use
from patina.errors import PatinaError, require_range
from patina.imaging.blended_tiles import Tile, apply_tiled
from patina.imaging.crop_and_pad import reflect_pad_to_multiple
from patina.imaging.value_spaces import infinity_as_nan
from patina.models.additive_diffusion import remove_noise, with_noise
from patina.models.labels import CLEAN, REAL
from patina.models.ludif import (
    IMAGE_CHANNELS,
    LUDDIF,
    UNIT,
    LUDDIFArchitecture,
    LUDDIFLevels,
    from_units,
    to_units,
)
from patina.models.model_files import ModelFile, built_network, typed_part
from patina.seeding import derive, noise_window, numpy_rng
from patina.settings import Settings

KIND = "ludif"
TILE, OVERLAP = HANDLES[KIND].tile, HANDLES[KIND].overlap
SMALLEST_TILE = 64
BATCH_ON_CPU, BATCH_ON_ACCELERATOR = 1, 8
"""Tiles whose area is sampled at once."""

Strength = Annotated[float, Field(ge=0, le=255)]


class LUDDIFSampling(Settings):
    """How images are sampled; the default of the knobs `steps` and `eta`."""

    steps: Annotated[int, Field(ge=1, le=MOST_SAMPLING_STEPS)] = 10
    """Number of steps; published with 50 to 200."""

    eta: Annotated[float, Field(ge=0, le=1)] = 0.0
    """How much noise each step draws: 0 none (DDIM), 1 as much as DDPM."""


class LUDDIFConfiguration(Settings):
    """The configuration in a LUD-DIF's model file."""

    architecture: LUDDIFArchitecture
    """Size of the networks."""

    levels: LUDDIFLevels
    """Noise that is added on the way."""

    strengths: tuple[Strength, ...] = Field(min_length=2, max_length=1001)
    """Quantiles, at equal distances from the smallest to the largest, of the noise std (8-bit) of the real images."""

    sampling: LUDDIFSampling
    """Defaults of the knobs."""

    has_clean: bool
    """Whether the file holds a model of clean images."""

    replace_impulses: bool = False
    """Whether black and white values of real images are replaced by their neighbours before they are hidden."""


class LUDDIFDegradation(LearnedDegradation):
    """Translates or samples with a trained LUD-DIF. Neighbouring tiles share one noisy image, as SR3's.

    Args:
        network: in evaluation mode, on the device to compute on.
        statistics: channel statistics of the training data, from the model file.
        configuration: of the model file.
        settings: values of the knobs; without `strength`, every image draws one from the real images'.
        source: domain of the input pictures, `CLEAN` (X) or `REAL` (Y).
        tile, overlap: side of a tile and overlap of neighbouring tiles, in pixels, multiples of the network's.
        precision: of the networks; bf16 by autocast.
    """

    kind: ClassVar[str] = KIND
    knobs: ClassVar[tuple[Knob, ...]] = HANDLES[KIND].knobs

    default_tile: ClassVar[int] = TILE

    def __init__(
        self,
        network: LUDDIF,
        statistics: ImageStatistics,
        configuration: LUDDIFConfiguration,
        *,
        settings: Mapping[str, Span] = {},
        source: int = CLEAN,
        tile: int = TILE,
        overlap: int = OVERLAP,
        precision: torch.dtype = torch.float32,
    ):
        self.network = network
        self.statistics = statistics
        self.levels = configuration.levels
        self.replace_impulses = configuration.replace_impulses
        self.settings = {**configuration.sampling.model_dump(), **settings}
        if "strength" not in settings:
            self.leave_to_photos({"strength": _interpolated(configuration.strengths)})
        self.source = source
        self.tile, self.overlap = tile, overlap
        self.precision = precision
        self.device = next(network.parameters()).device
        self.batch = BATCH_ON_CPU if self.device.type == "cpu" else BATCH_ON_ACCELERATOR

    @classmethod
    def from_model(cls, model: ModelFile, path: Path, use: Use) -> "LUDDIFDegradation":
        """Make the degradation of a model file."""
        stored = typed_part(LUDDIFConfiguration, model.configuration, path, "configuration")
        tile, overlap = _checked(use.tiling, stored.architecture.multiple)
        if use.source == REAL and not stored.has_clean:
            raise PatinaError(
                f"{path}: makes real images of clean ones only, because its pairs were made by a restoration network; "
                "clean real images with that network"
            )
        statistics = typed_part(ImageStatistics, model.statistics, path, "statistics")
        network = built_network(partial(LUDDIF, stored.architecture, stored.has_clean), model.weights, path)
        return cls(
            network.to(use.device).eval(),
            statistics,
            stored,
            settings=use.settings,
            source=use.source,
            tile=tile,
            overlap=overlap,
            precision=use.precision,
        )

    @classmethod
    def published_weights(cls, state: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
        """Return None: nothing was published."""
        return None

    @property
    def matches_colours(self) -> bool:
        """Whether the training data of the domains were matched."""
        return self.statistics.is_matched

    def apply(self, image: Tensor, parameters: Parameters, key: int) -> Tensor:
        """Translate ``[3, H, W]`` of the source domain to the other one, clamped to [0, 1]."""
        return self.apply_batch([image], [parameters], [key])[0]

    def apply_batch(
        self, images: Sequence[Tensor], parameters: Sequence[Parameters], keys: Sequence[int]
    ) -> list[Tensor]:
        """Translate pictures of one size, as many at a time as fit into the area of `batch` tiles."""
        height, width = images[0].shape[-2:]
        room = max(1, self.batch * self.tile**2 // (height * width))
        alike = len({(drawn["steps"], drawn["eta"]) for drawn in parameters}) == 1
        if max(height, width) > self.tile or not alike:
            room = 1
        results: list[Tensor] = []
        for first in range(0, len(images), room):
            part = slice(first, first + room)
            results += self._translated(torch.stack(list(images[part])), parameters[part], keys[part])
        return results

    def sample(self, image: Tensor, domain: int, key: int) -> Tensor:
        """Sample a picture of `domain` with the content of `image`, ``[3, H, W]`` in [0, 1].

        A clean image stays as it is where the file has no model of clean images.
        """
        parameters = self.draw(numpy_rng(key, "parameters"))
        if domain != self.source:
            return self.apply(image, parameters, key)
        strength, sampling = _strengths([parameters]), _sampling(parameters)
        values = self._values(image[None])
        if self.network.clean is not None:
            hiding = self.levels.hiding if self.source == REAL else self.levels.hidden
            values = self._cleaned(values, hiding(strength), strength, sampling, [key])
        if domain == REAL:
            values = self._made_real(values, strength, sampling, [key])
        return self._images(values, domain)[0]

    def _translated(self, images: Tensor, parameters: Sequence[Parameters], keys: Sequence[int]) -> Sequence[Tensor]:
        strength, sampling, values = _strengths(parameters), _sampling(parameters[0]), self._values(images)
        if self.source == REAL:
            cleaned = self._cleaned(values, self.levels.hiding(strength), strength, sampling, keys)
            return self._images(cleaned, CLEAN)
        return self._images(self._made_real(values, strength, sampling, keys), REAL)

    def _values(self, images: Tensor) -> Tensor:
        if self.source == REAL:
            images = without_impulses(images) if self.replace_impulses else images
            images = self.statistics.normalise_image(images)
        return to_units(images)

    def _images(self, values: Tensor, domain: int) -> Sequence[Tensor]:
        images = from_units(values)
        if domain == REAL:
            images = self.statistics.restore_real(images)
        return infinity_as_nan(images).clamp(0, 1).unbind()

    def _made_real(self, clean: Tensor, strength: Tensor, sampling: Mapping[str, Any], keys: Sequence[int]) -> Tensor:
        """Sample real images for clean ones ``[N, 3, H, W]``; see `patina.models.ludif`."""
        start = with_noise(clean, self.levels.starting_clean(strength) / UNIT, _fields(keys, clean, "start"))
        steps = count()

        def predict(noisy: Tensor, level: Tensor) -> Tensor:
            given_level = self.levels.on_condition(level * UNIT, strength) / UNIT
            # New noise in every step: noise that stays would be taken for a part of the image.
            given = with_noise(clean, given_level, _fields(keys, clean, "condition", next(steps)))

            def network(pixels: Tensor) -> Tensor:
                noisy, given = pixels.split(IMAGE_CHANNELS, dim=1)
                here, there, own = (value.to(self.device) for value in (level, given_level, strength / UNIT))
                return self.network.real(noisy, here, given, there, own)

            return self._on_tiles(network, torch.cat([noisy, given], dim=1))

        level = self.levels.starting(strength) / UNIT
        return remove_noise(predict, start, level, draw=partial(_fields, keys, clean, "step"), **sampling)

    def _cleaned(
        self, values: Tensor, hiding: Tensor, strength: Tensor, sampling: Mapping[str, Any], keys: Sequence[int]
    ) -> Tensor:
        """Add noise of the std `hiding` (8-bit), and sample clean images for the result."""
        clean = self.network.clean
        assert clean is not None  # checked when the file was opened
        noisy = with_noise(values, hiding / UNIT, _fields(keys, values, "hiding"))

        def predict(noisy: Tensor, level: Tensor) -> Tensor:
            return self._on_tiles(lambda pixels: clean(pixels, level.to(self.device)), noisy)

        level = self.levels.hidden(strength) / UNIT
        return remove_noise(predict, noisy, level, draw=partial(_fields, keys, values, "cleaning"), **sampling)

    def _on_tiles(self, network: Callable[[Tensor], Tensor], pixels: Tensor) -> Tensor:
        """Apply a network to pictures ``[N, C, H, W]``: at once if they fit into a tile, else to the only one."""
        multiple = self.network.architecture.multiple

        def compute(pixels: Tensor, _tile: Tile | None = None) -> Tensor:
            with torch.no_grad(), torch.autocast(
                self.device.type, torch.bfloat16, enabled=self.precision == torch.bfloat16
            ):  # fmt: skip
                return network(pixels.to(self.device)).float().cpu()

        if max(pixels.shape[-2:]) > self.tile:
            return apply_tiled(compute, pixels[0], tile=self.tile, overlap=self.overlap, multiple=multiple)[None]
        padded, (height, width) = reflect_pad_to_multiple(pixels, multiple)
        return compute(padded)[..., :height, :width]


def _strengths(parameters: Sequence[Parameters]) -> Tensor:
    """Return the strength of every picture, ``[N]``."""
    return torch.tensor([float(drawn["strength"]) for drawn in parameters])


def _interpolated(quantiles: Sequence[float], count: int = 1000) -> list[float]:
    """Return `count` values that are spread as the quantiles say."""
    places = (np.arange(count) + 0.5) / count
    return np.interp(places, np.linspace(0, 1, len(quantiles)), quantiles).round(3).tolist()


def _sampling(parameters: Parameters) -> dict[str, Any]:
    return {"steps": max(1, round(parameters["steps"])), "eta": float(parameters["eta"])}


def _fields(keys: Sequence[int], like: Tensor, *purpose: str | int) -> Tensor:
    """Return the noise of every key for a purpose, of the shape of `like`, ``[N, C, H, W]``."""
    return torch.stack([noise_window(derive(key, *purpose), like.shape[1], 0, 0, *like.shape[2:]) for key in keys])


def _checked(tiling: Tiling, multiple: int) -> tuple[int, int]:
    """Return the side of a tile and the overlap, multiples of the network's.

    Raises:
        PatinaError: they are too small or too large.
    """
    if tiling.kept_mb is not None:
        raise PatinaError(f"-kept_mb does not apply to a {KIND} model, which keeps no results")
    smallest = max(SMALLEST_TILE, 2 * multiple)
    tile = max(TILE, smallest) if tiling.tile is None else tiling.tile
    require_range("tile", tile, smallest)
    tile = tile // multiple * multiple
    overlap = min(OVERLAP, tile // 4) if tiling.overlap is None else tiling.overlap
    require_range("overlap", overlap, 0, tile - multiple)
    return tile, overlap
