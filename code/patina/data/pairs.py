"""Paired training data: LQ pictures and the ground truth (GT) that they were made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor
from torch.utils.data import Dataset

from patina.data.cache import PictureCache
from patina.data.domains import require_scale, require_size
from patina.data.matching import match_by_stem
from patina.data.order import ShuffledOrder
from patina.data.patch_sizes import PatchSizes
from patina.errors import PatinaError
from patina.imaging.value_spaces import to_tensor
from patina.seeding import derive, numpy_rng


@dataclass(frozen=True)
class Pair:
    """An LQ picture and its ground truth.

    Attributes:
        stem: the name that both files share.
        lq, gt: the files; the ground truth is exactly `scale` times larger.
    """

    stem: str
    lq: Path
    gt: Path


def match_pairs(lq_dir: Path, gt_dir: Path, scale: int, template: str = "{}", recursive: bool = False) -> list[Pair]:
    """Pair the pictures of two folders by their stems and check their sizes from the headers.

    Args:
        lq_dir, gt_dir: folders of pictures, any format.
        scale: ground-truth pixels per LQ pixel, along a side.
        template: of the LQ pictures' stems, see `match_by_stem`.
        recursive: include subfolders.

    Returns:
        The pairs in natural order.

    Raises:
        PatinaError: a picture has no partner, a stem occurs twice, or a pair's sizes do not fit the scale.
    """
    matches = match_by_stem(lq_dir, gt_dir, template=template, recursive=recursive)
    pairs = [Pair(match.stem, match.first, match.second) for match in matches]
    require_scale([(pair.lq, pair.gt) for pair in pairs], scale)
    return pairs


class PairedPatches(Dataset[dict[str, Tensor]]):
    """Aligned patches of pairs; a sample is a function of (seed, step, slot) alone.

    Every picture is chosen once an epoch, whatever its size.

    Args:
        pairs: from `match_pairs`.
        patch: side of a ground-truth patch in pixels, a multiple of the scale; or sides by the step they begin at.
        scale: ground-truth pixels per LQ pixel, along a side.
        batch: samples in a batch.
        seed: seed of order, place and orientation.
        flip, rotate: probabilities, see `draw_orientation`.
        cache_mb: decoded pictures kept in memory by every worker, in MiB.

    Raises:
        PatinaError: no pairs, a picture smaller than the patch, or a patch that the scale does not divide.
    """

    def __init__(
        self,
        pairs: Sequence[Pair],
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
        require_size([pair.gt for pair in pairs], self.patches.largest, "patch")
        self.pairs = pairs
        self.scale = scale
        self.batch = batch
        self.seed = seed
        self.flip, self.rotate = flip, rotate
        self.order = ShuffledOrder(len(pairs), derive(seed, "order"))
        self.cache = PictureCache(cache_mb << 20)

    def __getitem__(self, place: tuple[int, int]) -> dict[str, Tensor]:
        """Return one sample.

        Args:
            place: (step, counted from 1, and slot in the batch).

        Returns:
            ``lq`` ``[3, patch/scale, patch/scale]`` and ``gt`` ``[3, patch, patch]``, both RGB in [0, 1].

        Raises:
            PictureError: a picture cannot be read.
        """
        step, slot = place
        pair = self.pairs[self.order((step - 1) * self.batch + slot)]
        lq, gt = self.cache.get(pair.lq), self.cache.get(pair.gt)
        rng = numpy_rng(self.seed, "place", step, slot)
        lq, gt = aligned_crop(lq, gt, self.patches.at(step), self.scale, rng)
        orientation = draw_orientation(numpy_rng(self.seed, "orientation", step, slot), self.flip, self.rotate)
        return {"lq": to_tensor(orient(lq, orientation)), "gt": to_tensor(orient(gt, orientation))}


def require_patches(patches: PatchSizes, scale: int) -> None:
    """Refuse patches that the scale does not divide."""
    for patch in patches.all:
        if patch < scale or patch % scale:
            raise PatinaError(f"a patch of {patch} pixels is not a multiple of the scale {scale}")


def aligned_crop(
    lq: np.ndarray, gt: np.ndarray, patch: int, scale: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Crop both pictures of a pair at the same random place.

    Args:
        lq, gt: ``[h, w, 3]`` and ``[scale h, scale w, 3]`` pixels.
        patch: side in pixels of `gt`, a multiple of the scale.
        scale: ground-truth pixels per LQ pixel, along a side.
        rng: draws the place.
    """
    side = patch // scale
    top, left = (int(rng.integers(length - side + 1)) for length in lq.shape[:2])
    gt_top, gt_left = top * scale, left * scale
    return lq[top : top + side, left : left + side], gt[gt_top : gt_top + patch, gt_left : gt_left + patch]


def draw_orientation(rng: np.random.Generator, flip: float, rotate: float) -> int:
    """Draw one of the 8 orientations of `orient`.

    Args:
        rng: random numbers.
        flip: probability of swapping left and right, and that of swapping top and bottom.
        rotate: probability of swapping rows and columns, which together with flips makes the quarter turns.
    """
    places = np.arange(3)
    bits = int(rng.integers(8)) >> places & 1
    # Each bit says in which half of [0, 1] its number lies; at probabilities of 1/2 the bits alone decide.
    drawn = (1 - bits + rng.random(3)) / 2
    return int(((drawn < [flip, flip, rotate]) << places).sum())


def orient(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Return one of the 8 flips and quarter turns of a picture.

    Args:
        pixels: ``[H, W, C]``.
        orientation: 0 to 7; bit 0 flips left and right, bit 1 top and bottom, bit 2 swaps rows and columns.

    Returns:
        A view.
    """
    if orientation & 1:
        pixels = pixels[:, ::-1]
    if orientation & 2:
        pixels = pixels[::-1]
    return pixels.swapaxes(0, 1) if orientation & 4 else pixels
