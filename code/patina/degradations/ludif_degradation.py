"""A trained LUD-DIF as a degradation: samples the whole image, predicting its noise tile by tile."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from patina.data.impulses import RADII, without_impulses
from patina.data.normalisation import ImageStatistics
from patina.degradations.base import Parameters
from patina.degradations.knobs import HANDLES, Knob, Span
from patina.degradations.learned_degradation import LearnedDegradation, PictureRows, Rows, Use
from patina.degradations.ludif_configuration import KIND, OVERLAP, TILE, LUDDIFConfiguration, checked_tiles
from patina.degradations.removal_bands import BandPlan, RemovalStep, removed_in_bands
from patina.errors import PatinaError
from patina.imaging.blended_tiles import apply_tiled
from patina.imaging.crop_and_pad import reflect_pad_to_multiple
from patina.imaging.value_spaces import infinity_as_nan
from patina.models.additive_diffusion import Removal, remove_noise, with_noise
from patina.models.labels import CLEAN, REAL
from patina.models.ludif import (
    IMAGE_CHANNELS,
    LUDDIF,
    UNIT,
    from_units,
    to_units,
)
from patina.models.model_files import ModelFile, built_network, typed_part
from patina.seeding import derive, noise_window, numpy_rng

BATCH_ON_CPU, BATCH_ON_ACCELERATOR = 1, 8
"""Tiles whose area is sampled at once."""


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
            self.leave_to_photos({"strength": configuration.photo_strengths()})
        self.source = source
        self.tile, self.overlap = tile, overlap
        self.precision = precision
        self.device = next(network.parameters()).device
        self.batch = BATCH_ON_CPU if self.device.type == "cpu" else BATCH_ON_ACCELERATOR

    @classmethod
    def from_model(cls, model: ModelFile, path: Path, use: Use) -> "LUDDIFDegradation":
        """Make the degradation of a model file."""
        stored = typed_part(LUDDIFConfiguration, model.configuration, path, "configuration")
        tile, overlap = checked_tiles(use.tiling, stored.architecture.multiple)
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

    @property
    def works_in_bands(self) -> bool:
        """Whether `bands` can be used; it can."""
        return True

    def bands(self, picture: PictureRows, parameters: Parameters, key: int) -> Iterator[Tensor]:
        """Yield the result of `apply` in bands; of a clean picture, every sampling step reads it anew."""
        strength, sampling = _strengths([parameters]), _sampling(parameters)
        to_clean = self.source == REAL

        def values() -> Rows:
            rows = picture.open()
            return lambda start, stop: self._values_at(rows, picture.size[0], start, stop)

        def field(start: int, stop: int, *purpose: str | int) -> Tensor:
            return noise_window(derive(key, *purpose), IMAGE_CHANNELS, start, 0, stop - start, picture.size[1])

        def noisy(rows: Rows, level: Tensor, *purpose: str | int) -> Rows:
            return lambda start, stop: with_noise(rows(start, stop)[None], level, field(start, stop, *purpose)[None])[0]

        level = self.levels.hidden(strength) if to_clean else self.levels.starting(strength)
        removal = Removal(level / UNIT, **sampling)

        def step_of(step: int) -> RemovalStep:
            if to_clean:
                return RemovalStep(lambda rows, *_: rows, self._computed(self._cleaning(removal.level(step))))
            given_level, network = self._making(strength, removal.level(step))
            given = noisy(values(), given_level, "condition", step)
            return RemovalStep(lambda rows, *span: torch.cat([rows, given(*span)]), self._computed(network))

        first = self.levels.hiding(strength) if to_clean else self.levels.starting_clean(strength)
        plan = BandPlan(picture.size, self.tile, self.overlap, self.network.architecture.multiple)
        for band in removed_in_bands(
            noisy(values(), first / UNIT, "hiding" if to_clean else "start"),
            removal,
            step_of,
            lambda step, *span: field(*span, "cleaning" if to_clean else "step", step),
            plan,
            picture.scratch,
        ):
            yield self._images(band[None], CLEAN if to_clean else REAL)[0]

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

    def _values_at(self, rows: Rows, height: int, start: int, stop: int) -> Tensor:
        """Return `_values` of some rows of a picture, ``[3, h, W]``, which depend on rows around them."""
        around = max(RADII) if self.source == REAL and self.replace_impulses else 0
        above, below = min(start, around), min(height - stop, around)
        values = self._values(rows(start - above, stop + below)[None])[0]
        return values[:, above : above + stop - start]

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
            given_level, network = self._making(strength, level)
            # New noise in every step: noise that stays would be taken for a part of the image.
            given = with_noise(clean, given_level, _fields(keys, clean, "condition", next(steps)))
            return self._on_tiles(network, torch.cat([noisy, given], dim=1))

        level = self.levels.starting(strength) / UNIT
        return remove_noise(predict, start, level, draw=partial(_fields, keys, clean, "step"), **sampling)

    def _making(self, strength: Tensor, level: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        """Return the noise on the clean image, and the network, given real images of a level with clean ones below."""
        given_level = self.levels.on_condition(level * UNIT, strength) / UNIT

        def network(pixels: Tensor) -> Tensor:
            noisy, given = pixels.split(IMAGE_CHANNELS, dim=1)
            here, there, own = (value.to(self.device) for value in (level, given_level, strength / UNIT))
            return self.network.real(noisy, here, given, there, own)

        return given_level, network

    def _cleaned(
        self, values: Tensor, hiding: Tensor, strength: Tensor, sampling: Mapping[str, Any], keys: Sequence[int]
    ) -> Tensor:
        """Add noise of the std `hiding` (8-bit), and sample clean images for the result."""
        noisy = with_noise(values, hiding / UNIT, _fields(keys, values, "hiding"))

        def predict(noisy: Tensor, level: Tensor) -> Tensor:
            return self._on_tiles(self._cleaning(level), noisy)

        level = self.levels.hidden(strength) / UNIT
        return remove_noise(predict, noisy, level, draw=partial(_fields, keys, values, "cleaning"), **sampling)

    def _cleaning(self, level: Tensor) -> Callable[[Tensor], Tensor]:
        clean = self.network.clean
        assert clean is not None  # checked when the file was opened
        return lambda pixels: clean(pixels, level.to(self.device))

    def _on_tiles(self, network: Callable[[Tensor], Tensor], pixels: Tensor) -> Tensor:
        """Apply a network to pictures ``[N, C, H, W]``: at once if they fit into a tile, else to the only one."""
        multiple, compute = self.network.architecture.multiple, self._computed(network)
        if max(pixels.shape[-2:]) > self.tile:
            return apply_tiled(
                lambda tile, _: compute(tile), pixels[0], tile=self.tile, overlap=self.overlap, multiple=multiple
            )[None]
        padded, (height, width) = reflect_pad_to_multiple(pixels, multiple)
        return compute(padded)[..., :height, :width]

    def _computed(self, network: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        """Let a network compute on its device in its precision, from and to float32 on the CPU."""

        def compute(pixels: Tensor) -> Tensor:
            with torch.no_grad(), torch.autocast(
                self.device.type, torch.bfloat16, enabled=self.precision == torch.bfloat16
            ):  # fmt: skip
                return network(pixels.to(self.device)).float().cpu()

        return compute


def _strengths(parameters: Sequence[Parameters]) -> Tensor:
    """Return the strength of every picture, ``[N]``."""
    return torch.tensor([float(drawn["strength"]) for drawn in parameters])


def _sampling(parameters: Parameters) -> dict[str, Any]:
    return {"steps": max(1, round(parameters["steps"])), "eta": float(parameters["eta"])}


def _fields(keys: Sequence[int], like: Tensor, *purpose: str | int) -> Tensor:
    """Return the noise of every key for a purpose, of the shape of `like`, ``[N, C, H, W]``."""
    return torch.stack([noise_window(derive(key, *purpose), like.shape[1], 0, 0, *like.shape[2:]) for key in keys])
