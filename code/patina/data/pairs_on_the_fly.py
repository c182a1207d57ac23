"""Training pairs whose LQ patch is chosen or made anew for every sample.

Each patch draws one source by weight: a folder of LQ pictures, or a recipe that degrades the clean patch in the
loader's worker. Steps of a recipe that need a model are left to the training process, which has the accelerator.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from patina.data.cache import PictureCache
from patina.data.domains import require_size
from patina.data.order import ShuffledOrder
from patina.data.pairs import aligned_crop, draw_orientation, orient, require_patches
from patina.data.patch_sizes import PatchSizes
from patina.imaging.value_spaces import to_tensor
from patina.seeding import derive, numpy_rng

MARGIN = 8
"""LQ pixels around a patch that are degraded with it, against mirrored borders and for random JPEG block positions."""


class Degrade(Protocol):
    """Makes an LQ picture from a clean one."""

    def __call__(self, clean: np.ndarray, name: str, index: int) -> Any:
        """Degrade ``[H, W, 3]`` pixels; return pixels ``[H/s, W/s, 3]``, or a state that a model must finish.

        `name` decides the draws, `index` counts the patches of the training.
        """


@dataclass(frozen=True)
class FolderSource:
    """A folder of LQ pictures.

    Attributes:
        weight: how often it is drawn, relative to the other sources.
        files: LQ files by ground-truth file.
    """

    weight: float
    files: Mapping[Path, Path]


@dataclass(frozen=True)
class RecipeSource:
    """A recipe that degrades clean patches.

    Attributes:
        weight: how often it is drawn, relative to the other sources.
        degrade: makes the LQ patch.
    """

    weight: float
    degrade: Degrade


LQSource = FolderSource | RecipeSource


class Unfinished:
    """A patch that waits for a model on the training device.

    Attributes:
        state: where its degradation continues.
        window: rows and columns of the patch in the finished picture.
    """

    def __init__(self, state: Any, window: tuple[slice, slice]):
        self.state = state
        self.window = window


class OnTheFlyPatches(Dataset[dict[str, Tensor | Unfinished]]):
    """Patches of clean pictures with LQ patches from any source; a sample is a function of (seed, step, slot) alone.

    Args:
        gt: clean pictures.
        sources: sources of LQ patches, at least one.
        patch: side of a clean patch in pixels, a multiple of the scale; or sides by the step they begin at.
        scale: clean pixels per LQ pixel, along a side.
        batch: samples in a batch.
        seed: seed of order, place, orientation, source and degradation.
        flip, rotate: probabilities, see `draw_orientation`.
        cache_mb: decoded pictures kept in memory by every worker, in MiB.

    Raises:
        PatinaError: no pictures, one smaller than the patch, or a patch that the scale does not divide.
    """

    def __init__(
        self,
        gt: Sequence[Path],
        sources: Sequence[LQSource],
        *,
        patch: int | Mapping[int, int],
        scale: int,
        batch: int,
        seed: int,
        flip: float = 0.5,
        rotate: float = 0.5,
        cache_mb: int = 512,
    ):
        self.patches = PatchSizes(patch)
        require_patches(self.patches, scale)
        require_size(gt, self.patches.largest, "patch")
        self.gt = gt
        self.sources = sources
        self.scale = scale
        self.batch = batch
        self.seed = seed
        self.flip, self.rotate = flip, rotate
        self.order = ShuffledOrder(len(gt), derive(seed, "order"))
        self.cache = PictureCache(cache_mb << 20)
        weights = np.array([source.weight for source in sources])
        self._probabilities = weights / weights.sum()

    def __getitem__(self, place: tuple[int, int]) -> dict[str, Tensor | Unfinished]:
        """Return one sample.

        Args:
            place: (step, counted from 1, and slot in the batch).

        Returns:
            ``gt`` ``[3, patch, patch]`` and ``lq`` ``[3, patch/scale, patch/scale]``, RGB in [0, 1]; ``lq`` is
            `Unfinished` if a model is needed.

        Raises:
            PictureError: a picture cannot be read.
        """
        step, slot = place
        index = (step - 1) * self.batch + slot
        gt_file = self.gt[self.order(index)]
        source = self.sources[
            numpy_rng(self.seed, "source", step, slot).choice(len(self._probabilities), p=self._probabilities)
        ]
        rng = numpy_rng(self.seed, "place", step, slot)
        orientation = draw_orientation(numpy_rng(self.seed, "orientation", step, slot), self.flip, self.rotate)
        patch = self.patches.at(step)
        if isinstance(source, FolderSource):
            lq, gt = self.cache.get(source.files[gt_file]), self.cache.get(gt_file)
            lq, gt = aligned_crop(lq, gt, patch, self.scale, rng)
            return {"lq": to_tensor(orient(lq, orientation)), "gt": to_tensor(orient(gt, orientation))}
        region = np.ascontiguousarray(orient(self._region(gt_file, patch, rng), orientation))
        degraded = source.degrade(region, f"{gt_file.name} {step} {slot}", index)
        return self._cropped(region, degraded, patch, rng)

    def collate(self, samples: list[dict[str, Any]]) -> dict[str, Any]:
        """Make a batch; ``lq`` is a list if some of it is unfinished."""
        lq = [sample["lq"] for sample in samples]
        finished = all(isinstance(patch, Tensor) for patch in lq)
        return {"lq": torch.stack(lq) if finished else lq, "gt": torch.stack([sample["gt"] for sample in samples])}

    def _region(self, gt_file: Path, patch: int, rng: np.random.Generator) -> np.ndarray:
        """Crop a patch with its margin; both sides are multiples of the scale."""
        pixels = self.cache.get(gt_file)
        side = patch + 2 * MARGIN * self.scale
        height, width = (min(side, length - length % self.scale) for length in pixels.shape[:2])
        top, left = int(rng.integers(pixels.shape[0] - height + 1)), int(rng.integers(pixels.shape[1] - width + 1))
        return pixels[top : top + height, left : left + width]

    def _cropped(
        self, region: np.ndarray, degraded: Any, patch: int, rng: np.random.Generator
    ) -> dict[str, Tensor | Unfinished]:
        side, scale = patch // self.scale, self.scale
        top, left = (int(rng.integers(length // scale - side + 1)) for length in region.shape[:2])
        window = slice(top, top + side), slice(left, left + side)
        gt = region[top * scale : top * scale + patch, left * scale : left * scale + patch]
        finished = isinstance(degraded, np.ndarray)
        return {"lq": to_tensor(degraded[window]) if finished else Unfinished(degraded, window), "gt": to_tensor(gt)}
