"""Augmentations that mix the pairs of a batch; LQ and ground-truth patches change alike.

They run after the loader, where batches are complete, and use torch's global random numbers, which a training seeds
before every step.
"""

from collections.abc import Callable, Mapping
from types import EllipsisType

import torch
from torch import Tensor
from torch.nn import functional

Pair = tuple[Tensor, Tensor]
"""LQ patches ``[N, 3, h, w]`` and ground-truth patches ``[N, 3, scale h, scale w]`` in [0, 1]."""

Place = tuple[EllipsisType, slice, slice]
"""Rows and columns of patches, as an index."""

BLENDED = (0.4, 0.6)
LARGEST_CUT = 0.7
RESIZED = (0.2, 0.9)


def mixup(lq: Tensor, gt: Tensor) -> Pair:
    """Blend every pair with another pair of the batch, weight 0.4 to 0.6 (Zhang et al. 2018, arXiv:1710.09412)."""
    others, weight = torch.randperm(len(lq)), _uniform(*BLENDED)
    return torch.lerp(lq, lq[others], weight), torch.lerp(gt, gt[others], weight)


def cutmix(lq: Tensor, gt: Tensor) -> Pair:
    """Paste a square of another pair at the same place of every pair (Yun et al. 2019, arXiv:1905.04899)."""
    others, (low, high) = torch.randperm(len(lq)), _squares(lq, gt, _uniform(0, LARGEST_CUT))
    return _pasted(lq, lq[others][low], low), _pasted(gt, gt[others][high], high)


def resizemix(lq: Tensor, gt: Tensor) -> Pair:
    """Paste another pair, shrunk to a square, into every pair (Qin et al. 2020, arXiv:2012.11101)."""
    others, (low, high) = torch.randperm(len(lq)), _squares(lq, gt, _uniform(*RESIZED))
    shrunk = [_resized(patches[others], _size(patches[place])) for patches, place in ((lq, low), (gt, high))]
    return _pasted(lq, shrunk[0], low), _pasted(gt, shrunk[1], high)


def cutblur(lq: Tensor, gt: Tensor) -> Pair:
    """Replace a square of the LQ patches, or everything but a square, by the ground truth at their size.

    Yoo et al. 2020, arXiv:2004.00448: a network learns where there is nothing to restore.
    """
    clean, (low, _) = _resized(gt, _size(lq)), _squares(lq, gt, _uniform(0, LARGEST_CUT))
    return (_pasted(lq, clean[low], low) if torch.rand(()) < 0.5 else _pasted(clean, lq[low], low)), gt


MIXINGS: dict[str, Callable[[Tensor, Tensor], Pair]] = {
    "mixup": mixup,
    "cutmix": cutmix,
    "resizemix": resizemix,
    "cutblur": cutblur,
}


def mixed(lq: Tensor, gt: Tensor, probabilities: Mapping[str, float]) -> Pair:
    """Mix a batch in at most one way.

    Args:
        lq, gt: see `Pair`.
        probabilities: by name of `MIXINGS`; their sum is 1 at most, and the rest leaves the batch unchanged.
    """
    drawn = torch.rand(()).item()
    for name, probability in probabilities.items():
        if drawn < probability:
            return MIXINGS[name](lq, gt)
        drawn -= probability
    return lq, gt


def _uniform(low: float, high: float) -> float:
    return low + (high - low) * torch.rand(()).item()


def _squares(lq: Tensor, gt: Tensor, fraction: float) -> tuple[Place, Place]:
    """Draw the place of a square, a `fraction` of the patches' side, as indices of LQ and ground-truth patches."""
    scale, side = gt.shape[-1] // lq.shape[-1], lq.shape[-1]
    length = min(max(1, round(fraction * side)), lq.shape[-2])
    top, left = (int(torch.randint(extent - length + 1, ())) for extent in lq.shape[-2:])

    def place(factor: int) -> Place:
        rows, columns = (slice(start * factor, (start + length) * factor) for start in (top, left))
        return ..., rows, columns

    return place(1), place(scale)


def _pasted(patches: Tensor, content: Tensor, place: Place) -> Tensor:
    patches = patches.clone()
    patches[place] = content
    return patches


def _size(patches: Tensor) -> tuple[int, int]:
    height, width = patches.shape[-2:]
    return height, width


def _resized(patches: Tensor, size: tuple[int, int]) -> Tensor:
    return functional.interpolate(patches, size, mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)
