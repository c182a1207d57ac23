"""Training pairs whose low-quality side is chosen or made anew for every patch.

Each patch draws one source by weight: a folder of low-quality pictures, or a recipe that degrades the clean patch in
the loader's worker. What a recipe needs a model for is left to the training process, where the accelerator is.
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
"""Low-quality pixels around a patch that are degraded with it: borders are mirrored, and JPEG blocks lie anywhere."""


class Degrade(Protocol):
    """What makes a low-quality picture of a clean one."""

    def __call__(self, clean: np.ndarray, name: str, index: int) -> Any:
        """Degrade ``[H, W, 3]`` pixels; return pixels ``[H/s, W/s, 3]``, or anything that a model must finish.

        `name` decides the draws, `index` counts the patches of the training.
        """


@dataclass(frozen=True)
class Source:
    """One place that low-quality patches come from.

    Attributes:
        weight: how often, relative to the others.
        files: low-quality files by ground truth, of a folder.
        degrade: of a recipe; exactly one of the two is given.
    """

    weight: float
    files: Mapping[Path, Path] | None = None
    degrade: Degrade | None = None


class Unfinished:
    """A patch that waits for a model on the training device.

    Attributes:
        state: what its degradation goes on from.
        window: rows and columns of the finished picture that are the patch.
    """

    def __init__(self, state: Any, window: tuple[slice, slice]):
        self.state = state
        self.window = window


class OnTheFlyPatches(Dataset):
    """Patches of clean pictures with low-quality ones of any source; a function of (seed, step, slot) alone.

    Args:
        truths: clean pictures.
        sources: of low-quality patches, at least one.
        patch: side of a clean patch in pixels, a multiple of the scale; or sides by the step they begin at.
        scale: clean pixels to a low-quality pixel.
        batch: samples in a batch.
        seed: of order, place, orientation, source and degradation.
        flip, rotate: probabilities, see `draw_orientation`.
        cache_mb: decoded pictures kept in memory by every worker, in MiB.

    Raises:
        PatinaError: no pictures, one smaller than the patch, or a patch that the scale does not divide.
    """

    def __init__(
        self,
        truths: Sequence[Path],
        sources: Sequence[Source],
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
        require_size(truths, self.patches.largest, "patch")
        self.truths = truths
        self.sources = sources
        self.scale = scale
        self.batch = batch
        self.seed = seed
        self.flip, self.rotate = flip, rotate
        self.order = ShuffledOrder(len(truths), derive(seed, "order"))
        self.cache = PictureCache(cache_mb << 20)
        weights = np.array([source.weight for source in sources])
        self._shares = weights / weights.sum()

    def __getitem__(self, place: tuple[int, int]) -> dict[str, Tensor | Unfinished]:
        """Return one sample.

        Args:
            place: (step, counted from 1, and slot in the batch).

        Returns:
            ``gt`` ``[3, patch, patch]`` and ``lq`` ``[3, patch/scale, patch/scale]``, RGB in [0, 1]; ``lq`` is
            `Unfinished` where a model is needed.

        Raises:
            PictureError: a picture cannot be read.
        """
        step, slot = place
        index = (step - 1) * self.batch + slot
        truth = self.truths[self.order(index)]
        source = self.sources[numpy_rng(self.seed, "source", step, slot).choice(len(self._shares), p=self._shares)]
        rng = numpy_rng(self.seed, "place", step, slot)
        orientation = draw_orientation(numpy_rng(self.seed, "orientation", step, slot), self.flip, self.rotate)
        patch = self.patches.at(step)
        if source.files is not None:
            lq, gt = self.cache.get(source.files[truth]), self.cache.get(truth)
            lq, gt = aligned_crop(lq, gt, patch, self.scale, rng)
            return {"lq": to_tensor(orient(lq, orientation)), "gt": to_tensor(orient(gt, orientation))}
        region = np.ascontiguousarray(orient(self._region(truth, patch, rng), orientation))
        degraded = source.degrade(region, f"{truth.name} {step} {slot}", index)
        return self._cut(region, degraded, patch, rng)

    def collate(self, samples: list[dict[str, Any]]) -> dict[str, Any]:
        """Make a batch; ``lq`` is a list where some of it is unfinished."""
        lq = [sample["lq"] for sample in samples]
        finished = all(isinstance(each, Tensor) for each in lq)
        return {"lq": torch.stack(lq) if finished else lq, "gt": torch.stack([sample["gt"] for sample in samples])}

    def _region(self, truth: Path, patch: int, rng: np.random.Generator) -> np.ndarray:
        """Cut a patch out with what is around it, sides multiples of the scale."""
        pixels = self.cache.get(truth)
        side = patch + 2 * MARGIN * self.scale
        height, width = (min(side, length - length % self.scale) for length in pixels.shape[:2])
        top, left = int(rng.integers(pixels.shape[0] - height + 1)), int(rng.integers(pixels.shape[1] - width + 1))
        return pixels[top : top + height, left : left + width]

    def _cut(
        self, region: np.ndarray, degraded: Any, patch: int, rng: np.random.Generator
    ) -> dict[str, Tensor | Unfinished]:
        side, scale = patch // self.scale, self.scale
        top, left = (int(rng.integers(length // scale - side + 1)) for length in region.shape[:2])
        window = slice(top, top + side), slice(left, left + side)
        gt = region[top * scale : top * scale + patch, left * scale : left * scale + patch]
        finished = isinstance(degraded, np.ndarray)
        return {"lq": to_tensor(degraded[window]) if finished else Unfinished(degraded, window), "gt": to_tensor(gt)}
