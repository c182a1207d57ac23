"""A trained LUD-VAE as a degradation: whole pictures of any size, in exact tiles, between the domains."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from patina.data.normalisation import ImageStatistics
from patina.degradations.base import Parameters
from patina.degradations.learned_degradation import Knob, LearnedDegradation, Span, Use
from patina.errors import PatinaError, PictureError, require_range
from patina.imaging.blended_tiles import Tile
from patina.imaging.exact_tiles import apply_exact_tiles
from patina.models.fast_ludvae import FastLUDVAE
from patina.models.labels import CLEAN, REAL
from patina.models.ludvae import BORDER, IMAGE_CHANNELS, LUDVAE, STAGES, LUDVAEArchitecture, is_published_ludvae
from patina.models.model_files import ModelFile, load_weights
from patina.seeding import derive, noise_window, numpy_rng

KIND = "ludvae"
TILE = 320
"""A tile's feature maps take 52 MB each in float32 at 128 channels; about ten of them live at once."""

SMALLEST_TILE = 64
BATCH_ON_ACCELERATOR = 4
DOMAIN_NAMES = {CLEAN: "clean", REAL: "real"}


class LUDVAEDegradation(LearnedDegradation):
    """Translates or samples with a trained LUD-VAE.

    Args:
        network: made ready to translate, on the device to compute on.
        statistics: the training data's, from the model file.
        noise_level: deviation of the noise that hides a picture's domain, in 1/255.
        temperature: multiplies the latents that are drawn; 0 draws none.
        detail: share, 0 to 1, of what is lost at temperature 0 that is put back; above 0 it takes twice the time.
        source: the domain pictures come from, `CLEAN` (X) or `REAL` (Y).
        tile: side of a tile in pixels.
        batch: tiles computed together; None chooses by the device.
    """

    kind: ClassVar[str] = KIND
    knobs: ClassVar[tuple[Knob, ...]] = (
        Knob("noise_level", "LUD-VAE: how much of a picture is hidden, in 1/255; default: as trained", 0, 255),
        Knob("temperature", "LUD-VAE: how much noise is drawn", 0, default=1.0),
        Knob("detail", "LUD-VAE: share of what the model itself loses that is put back", 0, 1, default=0.0),
    )

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
        """Make the degradation of a model file; the noise level is the file's unless it is set."""
        if use.tiling.overlap is not None:
            raise PatinaError(f"-overlap is no setting of a {KIND} model: its tiles are exact, with {BORDER} pixels")
        if use.tiling.kept_mb is not None:
            raise PatinaError(f"-kept_mb is no setting of a {KIND} model: it keeps nothing")
        tile = TILE if use.tiling.tile is None else use.tiling.tile
        require_range("tile", tile, SMALLEST_TILE)
        network = LUDVAE(LUDVAEArchitecture(**model.configuration["architecture"]))
        load_weights(network, model.weights, path)
        own_level = model.configuration["noise_level"][DOMAIN_NAMES[use.source]]
        return cls(
            FastLUDVAE(network.to(use.device), use.precision),
            ImageStatistics.from_dict(model.statistics),
            **{"noise_level": own_level, **use.settings},
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
            PictureError: a side is smaller than the distance that the network sees.
        """
        return self.apply_batch([image], [parameters], [key])[0]

    def apply_batch(
        self, images: Sequence[Tensor], parameters: Sequence[Parameters], keys: Sequence[int]
    ) -> list[Tensor]:
        """Translate pictures of one size, as many together as a tile has room for."""
        target = CLEAN if self.source == REAL else REAL
        height, width = images[0].shape[-2:]
        room = max(1, self.batch * self.tile**2 // (height * width))
        results: list[Tensor] = []
        for first in range(0, len(images), room):
            part = slice(first, first + room)
            results += self._compute(torch.stack(list(images[part])), parameters[part], keys[part], target)
        return results

    def sample(self, image: Tensor, domain: int, key: int) -> Tensor:
        """Draw a picture of `domain` from what the noise leaves of `image`, ``[3, H, W]`` in [0, 1].

        Raises:
            PictureError: as in `apply`.
        """
        parameters = self.draw(numpy_rng(key, "parameters")) | {"temperature": 1.0, "detail": 0.0}
        return self._compute(image[None], [parameters], [key], domain)[0]

    def _compute(
        self, images: Tensor, parameters: Sequence[Parameters], keys: Sequence[int], target: int
    ) -> Sequence[Tensor]:
        """Decode, put back the detail asked for, and bring the results to `target`."""
        _require_border(images)
        result = self._decoded(images, parameters, keys, target)
        detail = _column(parameters, "detail")
        if detail.any():
            still = self._decoded(images, [each | {"temperature": 0.0} for each in parameters], keys, target)
            result = result + detail * (self._in_clean_statistics(images) - still)
        if target == REAL:
            result = self.statistics.restore_real(result)
        return result.clamp(0, 1).unbind()

    def _decoded(self, images: Tensor, parameters: Sequence[Parameters], keys: Sequence[int], target: int) -> Tensor:
        """Hide, encode and decode; the results are in the clean set's statistics, not clamped."""
        if len(images) > 1:
            whole = Tile(0, 0, *images.shape[-2:])
            return self._on_tiles(images, [whole] * len(images), parameters, keys, target)

        def on_tiles(pixels: Tensor, tiles: list[Tile]) -> Tensor:
            return self._on_tiles(pixels, tiles, [parameters[0]] * len(tiles), [keys[0]] * len(tiles), target)

        return apply_exact_tiles(on_tiles, images[0], tile=self.tile, border=BORDER, batch=self.batch)[None]

    def _on_tiles(
        self, pixels: Tensor, tiles: list[Tile], parameters: Sequence[Parameters], keys: Sequence[int], target: int
    ) -> Tensor:
        """Run the network on equal tiles ``[N, 3, h, w]``, each with its parameters and the noise of its place."""
        noise = _noise_at([derive(key, "hidden") for key in keys], IMAGE_CHANNELS, tiles)
        hidden = self._in_clean_statistics(hide(pixels, noise, _column(parameters, "noise_level")))
        origin = torch.full((len(tiles),), float(1 - target), device=self.device)
        strength = _column(parameters, "temperature").flatten().to(self.device)
        return self.network.translate(hidden.to(self.device), origin, self._draws(keys, tiles), strength).cpu()

    def _in_clean_statistics(self, pixels: Tensor) -> Tensor:
        return self.statistics.normalise_noisy(pixels) if self.source == REAL else pixels

    def _draws(self, keys: Sequence[int], tiles: list[Tile]) -> Iterator[Tensor]:
        """Yield each stage's draws of the tiles' places when they are asked for, so that one is held at a time."""
        channels = self.network.architecture.channels
        for stage in range(STAGES):
            yield _noise_at([derive(key, "latent", stage) for key in keys], channels, tiles).to(self.device)


def hide(image: Tensor, noise: Tensor, noise_level: float | Tensor) -> Tensor:
    """Return images with Gaussian noise strong enough to hide their domain; not clamped.

    Args:
        image, noise: ``[N, 3, H, W]``; standard-normal noise.
        noise_level: deviation in 1/255, or one for each image, ``[N, 1, 1, 1]``.
    """
    return image + noise_level / 255 * noise


def _noise_at(keys: Sequence[int], channels: int, tiles: list[Tile]) -> Tensor:
    """Cut each tile's place out of its key's noise: ``[N, channels, h, w]``."""
    return torch.stack(
        [
            noise_window(key, channels, tile.top, tile.left, tile.height, tile.width)
            for key, tile in zip(keys, tiles, strict=True)
        ]
    )


def _column(parameters: Sequence[Parameters], name: str) -> Tensor:
    """Return a parameter of each picture, ``[N, 1, 1, 1]``."""
    return torch.tensor([float(each[name]) for each in parameters]).view(-1, 1, 1, 1)


def _require_border(image: Tensor) -> None:
    height, width = image.shape[-2:]
    if min(height, width) < BORDER:
        raise PictureError(
            f"{width}x{height} pixels, smaller than the {BORDER} that a LUD-VAE sees around a pixel; remove it"
        )
