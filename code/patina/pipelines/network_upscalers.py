"""Networks that upscale pictures: in overlapping tiles in one pass, or by diffusion."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from patina.degradations.trial import LOWEST_PSNR, decibels, trial_picture
from patina.errors import PatinaError
from patina.imaging.blended_tiles import Tile, apply_tiled
from patina.imaging.interpolation_names import OVERLAP, TILE
from patina.imaging.tiled_bands import tiled_bands
from patina.imaging.value_spaces import infinity_as_nan, to_pixels, to_tensor
from patina.layers.precision import has_fast_bf16
from patina.models.generator_files import LoadedGenerator, load_generator
from patina.models.sr3_upscaling import SR3Upscaler
from patina.pipelines.network_backends import TORCH, Backend, chosen_backend
from patina.pipelines.upscaler import Sampling, Upscaler
from patina.runs.fingerprint import file_digest
from patina.runs.made_by import MadeBy
from patina.specs.sr3_spec import load_sr3
from patina.system.allocator import freed_memory_kept
from patina.system.devices import compute_device


@dataclass
class TiledModel:
    """A network applied in overlapping tiles.

    Attributes:
        model: the network and spandrel's facts about it.
        tile, overlap: side of a tile, and overlap of neighbouring tiles, in input pixels.
        half: compute in bfloat16.
        backend: what computes the tiles.
    """

    model: LoadedGenerator
    tile: int = TILE
    overlap: int = OVERLAP
    half: bool = False
    backend: Backend = TORCH

    @property
    def scale(self) -> int:
        """Output pixels per input pixel along each side."""
        return self.model.scale

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Map RGB ``[H, W, 3]``, uint8 or uint16, to ``[scale H, scale W, 3]`` of the same type.

        Raises:
            PatinaError: the tile does not fit into memory.
            NotFinitePixels: the network gave NaN or infinity.
        """
        try:
            return to_pixels(self.enlarge(to_tensor(pixels)), pixels.dtype)
        except torch.cuda.OutOfMemoryError as error:
            raise PatinaError(f"a tile of {self.tile} pixels needs too much memory; choose a smaller -tile") from error

    def enlarge(self, picture: Tensor) -> Tensor:
        """Map ``[3, H, W]`` in [0, 1] to ``[3, scale H, scale W]``, without clamping."""
        multiple = self.model.size_requirements.multiple_of
        with freed_memory_kept():
            return apply_tiled(
                self._on_tile, picture, tile=self.tile, overlap=self.overlap, multiple=multiple, scale=self.scale
            )

    @property
    def works_in_bands(self) -> bool:
        """Whether `bands` is supported."""
        return True

    def bands(
        self, rows: Callable[[int, int], np.ndarray], size: tuple[int, int], dtype: np.dtype
    ) -> Iterator[np.ndarray]:
        """Yield the enlarged picture in bands; see `BandEnlarger`."""
        multiple = self.model.size_requirements.multiple_of
        found = tiled_bands(
            self._on_tile, lambda start, stop: to_tensor(rows(start, stop)), size,
            tile=self.tile, overlap=self.overlap, multiple=multiple, scale=self.scale,
        )  # fmt: skip
        with freed_memory_kept():
            yield from (to_pixels(band, dtype) for band in found)

    def _on_tile(self, tile: Tensor, _window: Tile) -> Tensor:
        if self.backend.run is not None:
            return infinity_as_nan(self.backend.run(tile)).clamp(0, 1)
        device = self.model.device
        with torch.autocast(device.type, torch.bfloat16, enabled=self.half):
            return self.model(tile.to(device, copy=True)).float().cpu()  # some networks change their input


CHANNELS_LAST = ("ESRGAN", "SPAN", "Compact", "PLKSR")
"""Architectures that were measured faster on processors when a pixel's channels lie together, and compute the same."""


def open_network(
    path: Path,
    scale: int | None,
    tile: int | None,
    overlap: int | None,
    device: str,
    precision: str,
    backend: str = "torch",
) -> Upscaler:
    """Open a network that upscales in one pass; arguments and errors as in `open_upscaler`."""
    descriptor = load_generator(path)
    tile = TILE if tile is None else tile
    overlap = min(OVERLAP, tile // 2) if overlap is None else overlap
    _check_settings(path, descriptor, scale, tile, overlap, precision)
    descriptor.to(compute_device(device))
    if descriptor.device.type == "cpu" and descriptor.architecture.id in CHANNELS_LAST:
        descriptor.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it
    descriptor.model.register_forward_hook(lambda _network, _inputs, result: _without_infinity(result))
    may_halve = precision == "auto" and backend != "onnxruntime"  # which has no bf16 on processors
    half = precision == "bf16-mixed" or (may_halve and _half_is_close(descriptor))
    chosen = chosen_backend(path, descriptor, backend, half)
    settings: dict[str, object] = {
        "scale": descriptor.scale, "tile": tile, "overlap": overlap, "precision": _precision_name(half),
    }  # fmt: skip
    if chosen is not TORCH:  # torch's results name no backend, as those made before there were any
        settings["backend"] = chosen.name
    made_by = MadeBy("upscale", settings, {str(path): file_digest(path)})
    return Upscaler(TiledModel(descriptor, tile, overlap, half, chosen), made_by)


def _without_infinity(result: Tensor | tuple[Tensor, ...]) -> Tensor | tuple[Tensor, ...]:
    """Replace infinity in a network's image, which some networks return with other results."""
    return infinity_as_nan(result) if isinstance(result, Tensor) else (infinity_as_nan(result[0]), *result[1:])


def _half_is_close(descriptor: LoadedGenerator) -> bool:
    """Whether bf16 is fast on the model's device and upscales a trial picture nearly as float32 does."""
    if not (descriptor.supports_bfloat16 and has_fast_bf16(descriptor.device)):
        return False
    picture = trial_picture()
    exact, half = (TiledModel(descriptor, half=half).enlarge(picture).clamp(0, 1) for half in (False, True))
    return decibels(exact, half) >= LOWEST_PSNR


def _precision_name(half: bool) -> str:
    return "bf16-mixed" if half else "32"


def open_diffusion(path: Path, sampling: Sampling, scale: int | None, device: str, precision: str) -> Upscaler:
    """Open a diffusion model; arguments and errors as in `open_upscaler`."""
    network, stored = load_sr3(path)
    if scale not in (None, network.architecture.scale):
        raise PatinaError(f"{path} upscales by {network.architecture.scale}, not by {scale}; leave -scale out")
    sampler = sampling.sampler or stored.sampler
    own = stored.steps if sampler == stored.sampler else network.schedule.steps
    steps = own if sampling.steps is None else sampling.steps
    if not 1 <= steps <= network.schedule.steps:
        raise PatinaError(f"-steps is {steps}, expected 1 to {network.schedule.steps}, the steps of {path}")
    network.to(compute_device(device))
    half = precision == "bf16-mixed"
    enlarge = SR3Upscaler(network, side=stored.side, sampler=sampler, steps=steps, half=half)
    settings = {
        "scale": enlarge.scale, "precision": _precision_name(half),
        "sampler": sampler, "steps": steps, "seed": enlarge.seed,
    }  # fmt: skip
    return Upscaler(enlarge, MadeBy("upscale", settings, {str(path): file_digest(path)}))


def _check_settings(
    path: Path, model: LoadedGenerator, scale: int | None, tile: int, overlap: int, precision: str
) -> None:
    multiple = model.size_requirements.multiple_of
    if scale not in (None, model.scale):
        raise PatinaError(f"{path} upscales by {model.scale}, not by {scale}; leave -scale out")
    if tile < 16 or tile % multiple:
        raise PatinaError(f"-tile is {tile}, expected 16 or more and a multiple of {multiple} for {path}")
    if not 0 <= overlap <= tile // 2:
        raise PatinaError(f"-overlap is {overlap}, expected 0 to {tile // 2}, half a tile")
    if precision == "bf16-mixed" and not model.supports_bfloat16:
        raise PatinaError(f"{path} cannot be computed in {precision}; use -precision 32")
