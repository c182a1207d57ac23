"""Tiles of clean pictures with their upscaled low-resolution versions as conditions."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from patina.data.cache import PictureCache
from patina.data.domains import require_size
from patina.data.order import ShuffledOrder
from patina.data.pairs import require_patches
from patina.data.patch_sizes import PatchSizes
from patina.imaging.matlab_resize import imresize
from patina.imaging.value_spaces import to_tensor
from patina.seeding import derive, numpy_rng

Augment = Callable[[Tensor, np.random.Generator], Tensor]


class CleanTiles(Dataset[dict[str, Tensor]]):
    """Tiles with their conditions; a sample is a function of (seed, step, slot) alone.

    Every picture is chosen once an epoch; larger pictures are cropped at a random place.

    Args:
        pictures: files; ``patina prepare -mode tiles`` makes them of the size.
        side: side of a tile in pixels, a multiple of the scale.
        scale: downscaling factor of the LQ picture.
        batch: samples in a batch.
        seed: seed of order, place and augmentation.
        augment: maps (tile, random numbers) to the tile that is shrunk.
        cache_mb: decoded pictures kept in memory by every worker, in MiB.

    Raises:
        PatinaError: no pictures, a picture smaller than a tile, or a side that the scale does not divide.
    """

    def __init__(
        self,
        pictures: Sequence[Path],
        *,
        side: int,
        scale: int,
        batch: int,
        seed: int,
        augment: Augment,
        cache_mb: int = 512,
    ):
        require_patches(PatchSizes(side), scale)
        require_size(pictures, side, "tile")
        self.pictures = pictures
        self.side = side
        self.scale = scale
        self.batch = batch
        self.seed = seed
        self.augment = augment
        self.order = ShuffledOrder(len(pictures), derive(seed, "order"))
        self.cache = PictureCache(cache_mb << 20)

    @property
    def epoch(self) -> int:
        """The number of steps, rounded up, in which every picture is seen."""
        return -(-len(self.pictures) // self.batch)

    def __getitem__(self, place: tuple[int, int]) -> dict[str, Tensor]:
        """Return ``gt`` and ``condition`` (``gt`` shrunk and enlarged again), both ``[3, side, side]`` RGB in [0, 1].

        Args:
            place: (step, counted from 1, and slot in the batch).

        Raises:
            PictureError: the picture cannot be read.
        """
        step, slot = place
        pixels = self.cache.get(self.pictures[self.order((step - 1) * self.batch + slot)])
        rng = numpy_rng(self.seed, "place", step, slot)
        top, left = (int(rng.integers(length - self.side + 1)) for length in pixels.shape[:2])
        tile = to_tensor(pixels[top : top + self.side, left : left + self.side])
        tile = self.augment(tile, numpy_rng(self.seed, "augmentation", step, slot))
        return {"condition": enlarged(shrink(tile, self.scale), self.scale), "gt": tile}


def shrink(tile: Tensor, scale: int) -> Tensor:
    """Shrink ``[3, H, W]`` in [0, 1] by MATLAB's bicubic; overshoot is clipped."""
    return _resized(tile, 1 / scale)


def enlarged(small: Tensor, scale: int) -> Tensor:
    """Enlarge ``[3, H, W]`` in [0, 1] by MATLAB's bicubic; overshoot is clipped."""
    return _resized(small, scale)


def _resized(picture: Tensor, scale: float) -> Tensor:
    resized = imresize(picture.permute(1, 2, 0).numpy(), scale)
    return torch.from_numpy(np.ascontiguousarray(resized.transpose(2, 0, 1), np.float32)).clamp(0, 1)
