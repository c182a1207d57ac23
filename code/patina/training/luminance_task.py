"""Training networks that upscale luma: the Charbonnier loss at every level, compared with bicubic in validations."""

from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn import functional

from patina.data.fixed_patches import FixedPatches
from patina.data.pairs import Pair
from patina.imaging.blended_tiles import apply_tiled
from patina.imaging.matlab_resize import imresize
from patina.imaging.picture_files import read_picture
from patina.imaging.value_spaces import to_eight_bit, to_pixels, to_tensor, to_values, values_to_pixels
from patina.imaging.ycbcr import to_ycbcr
from patina.losses.pixel import charbonnier
from patina.metrics.full_reference import scores_without_network
from patina.metrics.psnr import psnr
from patina.models.generator_files import save_generator
from patina.models.luminance_network import LuminanceNetwork
from patina.training.batch_parts import Batch
from patina.training.processes import divided
from patina.training.task import Task, Validation
from patina.training.updates import Updater
from patina.training.validation_sets import Corners, ValidationSets, named, validation_of

VALIDATION_TILE, VALIDATION_OVERLAP = 256, 64
SHOWN_SIDE = 256


class LuminanceTask(Task):
    """Trains a `LuminanceNetwork`.

    Args:
        network: untrained.
        dataset: paired patches, RGB.
        make_updater: makes the `Updater` for (fabric, name, network).
        epsilon: epsilon of the Charbonnier loss.
        validation: sets of validation pairs by name.
        finish: called with (LQ patches, device); applies the steps of a recipe that run on the device.
    """

    def __init__(
        self,
        network: LuminanceNetwork,
        dataset: FixedPatches,
        make_updater: Callable[..., Updater],
        *,
        epsilon: float,
        validation: ValidationSets = MappingProxyType({}),
        finish: Callable[[list[Any], torch.device], Tensor] | None = None,
    ):
        self.network = network
        self.dataset = dataset
        self.batch_size = dataset.batch
        self.collate = dataset.collate
        self.epsilon = epsilon
        self.validation = validation
        self._make_updater = make_updater
        self._finish = finish
        self._interpolated: dict[str, float] = {}

    def setup(self, fabric: Fabric) -> None:
        """Move the network to the device and make its optimiser."""
        self.fabric = fabric
        self.updater = self._make_updater(fabric, "luminance", self.network)
        self.updater.module.mark_forward_method("levels")
        self.updaters = [self.updater]

    def training_step(self, batch: Batch, step: int) -> dict[str, float]:
        """Take one step on the sum of the losses of all levels."""

        def compute(part: Batch) -> tuple[dict[str, Tensor], dict[str, float]]:
            losses = self._losses(part)
            return losses, {name: float(loss.detach()) for name, loss in losses.items()}

        return self.take_step(self.updater, batch, step, compute)

    def probe(self, batch: Batch) -> None:
        """Compute the losses."""
        self._losses(batch)

    def validate(self) -> Validation:
        """Measure luma, cropped by `scale` pixels, with all metrics that need no network; show some pairs."""
        found = validation_of(self.fabric, self.validation, self._measured)
        for name in self.validation:
            (psnr_key,) = named(name, {"psnr": 0})
            bicubic = self._psnr_of_bicubic(name)
            gained = {"psnr_bicubic": bicubic, "gain": found.scalars[psnr_key] - bicubic}
            found.scalars |= named(name, gained)
        return found

    def _measured(self, pair: Pair, is_shown: bool) -> tuple[dict[str, float], Corners]:
        """Return the scores of a validation pair, and what is shown of it."""
        scale = self.network.scale
        lq, gt = read_picture(pair.lq).pixels, read_picture(pair.gt).pixels
        result = to_pixels(self._upscaled(to_tensor(lq)), gt.dtype)
        shown = [_corner(pixels) for pixels in (imresize(lq, scale), result, gt)] if is_shown else []
        return scores_without_network(result, gt, crop=scale, space="y"), shown

    def save_model(self, path: Path, step: int) -> None:
        """Write the network."""
        save_generator(self.network, path.with_name(path.name + ".safetensors"), {"step": str(step)})

    def _losses(self, batch: Batch) -> dict[str, Tensor]:
        lq = batch["lq"]
        rgb = self._finish(lq, self.fabric.device) if self._finish and isinstance(lq, list) else lq
        gt = to_ycbcr(batch["gt"])[:, :1]
        with self.fabric.autocast():
            levels = [level.float() for level in self.updater.module.levels(to_ycbcr(rgb)[:, :1])]
        return {
            f"charbonnier_x{level.shape[-1] // rgb.shape[-1]}": charbonnier(level, shrunk(gt, level), self.epsilon)
            for level in levels
        }

    def _upscaled(self, lq: Tensor) -> Tensor:
        def on_tile(tile: Tensor, _place: object) -> Tensor:
            with torch.no_grad():
                return self.updater.module(tile.to(self.fabric.device)).float().cpu()

        return apply_tiled(
            on_tile, lq, tile=VALIDATION_TILE, overlap=VALIDATION_OVERLAP, scale=self.network.scale
        )  # fmt: skip

    def _psnr_of_bicubic(self, name: str) -> float:
        if name not in self._interpolated:
            scores = divided(self.fabric, self.validation[name].pairs, self._psnr_of_interpolated)
            self._interpolated[name] = float(np.mean(scores))
        return self._interpolated[name]

    def _psnr_of_interpolated(self, index: int, pair: Pair) -> float:
        lq, gt = read_picture(pair.lq).pixels, read_picture(pair.gt).pixels
        enlarged = values_to_pixels(to_values(imresize(lq, self.network.scale)), gt.dtype)
        return psnr(enlarged, gt, crop=self.network.scale, space="y")


def shrunk(gt: Tensor, like: Tensor) -> Tensor:
    """Downscale ``[N, C, H, W]`` to the size of `like` by antialiased bicubic with MATLAB's kernel (a = -0.5)."""
    if gt.shape[-2:] == like.shape[-2:]:
        return gt
    return functional.interpolate(gt, like.shape[-2:], mode="bicubic", antialias=True, align_corners=False)


def _corner(pixels: np.ndarray) -> np.ndarray:
    return to_eight_bit(pixels[:SHOWN_SIDE, :SHOWN_SIDE])
