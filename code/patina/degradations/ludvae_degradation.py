"""A trained LUD-VAE as a degradation: translates pictures of any size between the domains, in exact tiles."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from patina.data.normalisation import ImageStatistics
from patina.degradations.base import Parameters
from patina.degradations.knobs import HANDLES, Knob, Span
from patina.degradations.learned_degradation import LearnedDegradation, PictureRows, Use
from patina.errors import PatinaError, PictureError, require_range
from patina.imaging.blended_tiles import Tile
from patina.imaging.exact_tiles import apply_exact_tiles, exact_bands
from patina.imaging.value_spaces import infinity_as_nan
from patina.models.fast_ludvae import FastLUDVAE
from patina.models.labels import CLEAN, REAL
from patina.models.ludvae import BORDER, IMAGE_CHANNELS, LUDVAE, STAGES, LUDVAEArchitecture, is_published_ludvae
from patina.models.model_files import ModelFile, built_network, typed_part
from patina.seeding import derive, noise_window, numpy_rng
from patina.settings import Settings

KIND = "ludvae"
TILE = HANDLES[KIND].tile
SMALLEST_TILE = 64
BATCH_ON_ACCELERATOR = 4
DOMAIN_NAMES = {CLEAN: "clean", REAL: "real"}


class StoredNoise(Settings):
    """Std (8-bit) of the noise that hides a picture's domain, by domain."""

    clean: Annotated[float, Field(ge=0, le=255)]
    """Of clean pictures."""

    real: Annotated[float, Field(ge=0, le=255)]
    """Of real ones."""


class LUDVAEConfiguration(Settings):
    """The configuration in a LUD-VAE's model file."""

    architecture: LUDVAEArchitecture
    """Size of the network."""

    noise_level: StoredNoise
    """Noise that hides the domain."""


class LUDVAEDegradation(LearnedDegradation):
    """Translates or samples with a trained LUD-VAE.

    Args:
        network: the network in inference form, on the device to compute on.
        statistics: channel statistics of the training data, from the model file.
        noise_level: std (8-bit) of the noise that hides a picture's domain.
        temperature: factor of the latents drawn; 0 draws none.
        detail: fraction, 0 to 1, of the detail lost at temperature 0 that is added back; above 0 doubles the time.
        source: domain of the input pictures, `CLEAN` (X) or `REAL` (Y).
        tile: side of a tile in pixels.
        batch: tiles per batch; None picks it for the device.
    """

    kind: ClassVar[str] = KIND
    knobs: ClassVar[tuple[Knob, ...]] = HANDLES[KIND].knobs

    default_tile: ClassVar[int] = TILE

    def __init__(
        self,
        network: FastLUDVAE,
        statistics: ImageStatistics,
        *,
        noise_level: Span,
        temperature: Span = 1.0,
        detail: Span = 0.0,
        source: int = CLEAN,
        tile: int = TILE,
        batch: int | None = None,
    ):
        self.network = network
        self.precision = network.dtype
        self.statistics = statistics
        self.settings = {"noise_level": noise_level, "temperature": temperature, "detail": detail}
        self.source = source
        self.tile = tile
        self.device = network.device
        self.batch = batch or (1 if self.device.type == "cpu" else BATCH_ON_ACCELERATOR)

    @classmethod
    def from_model(cls, model: ModelFile, path: Path, use: Use) -> "LUDVAEDegradation":
        """Make the degradation of a model file; the noise level is the file's unless set."""
        if use.tiling.overlap is not None:
            raise PatinaError(
                f"-overlap does not apply to a {KIND} model, whose tiles are exact with a border of {BORDER} pixels"
            )
        if use.tiling.kept_mb is not None:
            raise PatinaError(f"-kept_mb does not apply to a {KIND} model, which keeps no results")
        tile = TILE if use.tiling.tile is None else use.tiling.tile
        require_range("tile", tile, SMALLEST_TILE)
        configuration = typed_part(LUDVAEConfiguration, model.configuration, path, "configuration")
        statistics = typed_part(ImageStatistics, model.statistics, path, "statistics")
        network = built_network(partial(LUDVAE, configuration.architecture), model.weights, path)
        own: dict[str, Any] = {"noise_level": getattr(configuration.noise_level, DOMAIN_NAMES[use.source])}
        return cls(
            FastLUDVAE(network.to(use.device), use.precision),
            statistics,
            **{**own, **use.settings},
            source=use.source,
            tile=tile,
        )

    @classmethod
    def published_weights(cls, state: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
        """Return a published state dict as it is."""
        return dict(state) if is_published_ludvae(state) else None

    def apply(self, image: Tensor, parameters: Parameters, key: int) -> Tensor:
        """Translate ``[3, H, W]`` of the source domain to the other one, clamped to [0, 1].

        Raises:
            PictureError: a side is smaller than the network's receptive radius.
        """
        return self.apply_batch([image], [parameters], [key])[0]

    def apply_batch(
        self, images: Sequence[Tensor], parameters: Sequence[Parameters], keys: Sequence[int]
    ) -> list[Tensor]:
        """Translate pictures of one size, as many at a time as fit into the area of `batch` tiles."""
        target = CLEAN if self.source == REAL else REAL
        height, width = images[0].shape[-2:]
        room = max(1, self.batch * self.tile**2 // (height * width))
        results: list[Tensor] = []
        for first in range(0, len(images), room):
            part = slice(first, first + room)
            results += self._compute(torch.stack(list(images[part])), parameters[part], keys[part], target)
        return results

    @property
    def works_in_bands(self) -> bool:
        """Whether `bands` is supported."""
        return True

    def bands(self, picture: PictureRows, parameters: Parameters, key: int) -> Iterator[Tensor]:
        """Yield the result of `apply` in bands, a row of its tiles at a time."""
        _require_border(picture.size)
        target = CLEAN if self.source == REAL else REAL

        def on_tiles(pixels: Tensor, tiles: list[Tile]) -> Tensor:
            many = [parameters] * len(tiles)
            return self._with_detail(
                pixels, many, lambda drawn: self._on_tiles(pixels, tiles, drawn, [key] * len(tiles), target)
            )

        rows, size = picture.open(), picture.size
        for band in exact_bands(on_tiles, rows, size, tile=self.tile, border=BORDER, batch=self.batch):
            yield self._finished(band, target)

    @property
    def matches_colours(self) -> bool:
        """Whether the training data of the domains were matched."""
        return self.statistics.is_matched

    def sample(self, image: Tensor, domain: int, key: int) -> Tensor:
        """Sample a picture of `domain` given `image` with noise, ``[3, H, W]`` in [0, 1].

        Raises:
            PictureError: as in `apply`.
        """
        parameters = self.draw(numpy_rng(key, "parameters")) | {"temperature": 1.0, "detail": 0.0}
        return self._compute(image[None], [parameters], [key], domain)[0]

    def _compute(
        self, images: Tensor, parameters: Sequence[Parameters], keys: Sequence[int], target: int
    ) -> Sequence[Tensor]:
        """Translate, add back lost detail, and restore the statistics of domain `target`."""
        _require_border(images.shape[-2:])
        result = self._with_detail(images, parameters, lambda drawn: self._decoded(images, drawn, keys, target))
        return self._finished(result, target).unbind()

    def _with_detail(
        self, images: Tensor, parameters: Sequence[Parameters], decoded: Callable[[Sequence[Parameters]], Tensor]
    ) -> Tensor:
        """Decode, and add back lost detail."""
        result, detail = decoded(parameters), _column(parameters, "detail")
        if detail.any():
            cold = decoded([{**drawn, "temperature": 0.0} for drawn in parameters])
            result = result + detail * (self._in_clean_statistics(images) - cold)
        return result

    def _finished(self, result: Tensor, target: int) -> Tensor:
        """Restore the statistics of domain `target`, and clamp."""
        if target == REAL:
            result = self.statistics.restore_real(result)
        return infinity_as_nan(result).clamp(0, 1)

    def _decoded(self, images: Tensor, parameters: Sequence[Parameters], keys: Sequence[int], target: int) -> Tensor:
        """Hide, encode and decode; the results have the clean set's statistics and are not clamped."""
        if len(images) > 1:
            whole = Tile(0, 0, *images.shape[-2:])
            return self._on_tiles(images, [whole] * len(images), parameters, keys, target)

        def on_tiles(pixels: Tensor, tiles: list[Tile]) -> Tensor:
            return self._on_tiles(pixels, tiles, [parameters[0]] * len(tiles), [keys[0]] * len(tiles), target)

        return apply_exact_tiles(on_tiles, images[0], tile=self.tile, border=BORDER, batch=self.batch)[None]

    def _on_tiles(
        self, pixels: Tensor, tiles: list[Tile], parameters: Sequence[Parameters], keys: Sequence[int], target: int
    ) -> Tensor:
        """Run the network on tiles of one size ``[N, 3, h, w]``, each with its parameters and its position's noise."""
        noise = _noise_at([derive(key, "hidden") for key in keys], IMAGE_CHANNELS, tiles)
        hidden = self._in_clean_statistics(hide(pixels, noise, _column(parameters, "noise_level")))
        source = torch.full((len(tiles),), float(1 - target), device=self.device)
        strength = _column(parameters, "temperature").flatten().to(self.device)
        return self.network.translate(hidden.to(self.device), source, self._draws(keys, tiles), strength).cpu()

    def _in_clean_statistics(self, pixels: Tensor) -> Tensor:
        return self.statistics.normalise_noisy(pixels) if self.source == REAL else pixels

    def noise(self, key: int, height: int, width: int) -> Tensor:
        """Return all noise that `apply` adds to an image: what hides the domain, then the draws of the latents.

        Args:
            key: as in `apply`.
            height, width: of the image.

        Returns:
            ``[1, 3 + 3 C, H, W]`` for a network of C channels.
        """
        whole = [Tile(0, 0, height, width)]
        hiding = _noise_at([derive(key, "hidden")], IMAGE_CHANNELS, whole)
        return torch.cat([hiding, *(draw.cpu() for draw in self._draws([key], whole))], dim=1)

    def _draws(self, keys: Sequence[int], tiles: list[Tile]) -> Iterator[Tensor]:
        """Yield each stage's noise at the tiles' positions lazily, so that only one stage's is held at a time."""
        channels = self.network.architecture.channels
        for stage in range(STAGES):
            yield _noise_at([derive(key, "latent", stage) for key in keys], channels, tiles).to(self.device)


def hide(image: Tensor, noise: Tensor, noise_level: float | Tensor) -> Tensor:
    """Return x + σ / 255 · noise, in which the noise hides the images' domain (LUD-VAE's x̃); not clamped.

    Args:
        image, noise: ``[N, 3, H, W]``; the noise is standard normal.
        noise_level: std (8-bit), one number or one per image, ``[N, 1, 1, 1]``.
    """
    return image + noise_level / 255 * noise


def _noise_at(keys: Sequence[int], channels: int, tiles: list[Tile]) -> Tensor:
    """Return the noise of every tile's key at its position: ``[N, channels, h, w]``."""
    return torch.stack(
        [
            noise_window(key, channels, tile.top, tile.left, tile.height, tile.width)
            for key, tile in zip(keys, tiles, strict=True)
        ]
    )


def _column(parameters: Sequence[Parameters], name: str) -> Tensor:
    """Return one parameter of every picture, ``[N, 1, 1, 1]``."""
    return torch.tensor([float(drawn[name]) for drawn in parameters]).view(-1, 1, 1, 1)


def _require_border(size: Sequence[int]) -> None:
    height, width = size
    if min(height, width) < BORDER:
        raise PictureError(
            f"{width}x{height} pixels, expected sides of at least {BORDER} pixels for a LUD-VAE; remove the image"
        )
