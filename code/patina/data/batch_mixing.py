"""Augmentations that mix the pairs of a batch; the low-quality and the true patches are changed alike.

They run behind the loader, where batches are complete, and draw from torch's global random numbers, which a training
seeds for every step.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

Pair = tuple[Tensor, Tensor]
"""Low-quality patches ``[N, 3, h, w]`` and true ones ``[N, 3, scale h, scale w]`` in [0, 1]."""

BLENDED = (0.4, 0.6)
LARGEST_CUT = 0.7
RESIZED = (0.2, 0.9)


def mixup(lq: Tensor, gt: Tensor) -> Pair:
    """Blend every pair with another one of the batch (Zhang et al. 2018, arXiv:1710.09412), 0.4 to 0.6 of it."""
    others, share = torch.randperm(len(lq)), _uniform(*BLENDED)
    return torch.lerp(lq, lq[others], share), torch.lerp(gt, gt[others], share)


def cutmix(lq: Tensor, gt: Tensor) -> Pair:
    """Put a square of another pair into every pair, at the same place (Yun et al. 2019, arXiv:1905.04899)."""
    others, (low, high) = torch.randperm(len(lq)), _squares(lq, gt, _uniform(0, LARGEST_CUT))
    return _pasted(lq, lq[others][low], low), _pasted(gt, gt[others][high], high)


def resizemix(lq: Tensor, gt: Tensor) -> Pair:
    """Put the whole of another pair, shrunk to a square, into every pair (Qin et al. 2020, arXiv:2012.11101)."""
    others, (low, high) = torch.randperm(len(lq)), _squares(lq, gt, _uniform(*RESIZED))
    shrunk = [_resized(each[others], _size(each[place])) for each, place in ((lq, low), (gt, high))]
    return _pasted(lq, shrunk[0], low), _pasted(gt, shrunk[1], high)


def cutblur(lq: Tensor, gt: Tensor) -> Pair:
    """Give the truth, shrunk to their size, to a square of the low-quality patches, or to all but a square.

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
        probabilities: of each of `MIXINGS`, with a sum of 1 at most; otherwise the batch stays as it is.
    """
    drawn = torch.rand(()).item()
    for name, probability in probabilities.items():
        if drawn < probability:
            return MIXINGS[name](lq, gt)
        drawn -= probability
    return lq, gt


def _uniform(low: float, high: float) -> float:
    return low + (high - low) * torch.rand(()).item()


def _squares(lq: Tensor, gt: Tensor, share: float) -> tuple[tuple, tuple]:
    """Draw the place of a square, `share` of the patches' side, as indices of both kinds of patches."""
    scale, side = gt.shape[-1] // lq.shape[-1], lq.shape[-1]
    length = min(max(1, round(share * side)), lq.shape[-2])
    top, left = (int(torch.randint(extent - length + 1, ())) for extent in lq.shape[-2:])

    def place(factor: int) -> tuple:
        return ..., *(slice(start * factor, (start + length) * factor) for start in (top, left))

    return place(1), place(scale)


def _pasted(patches: Tensor, piece: Tensor, place: tuple) -> Tensor:
    patches = patches.clone()
    patches[place] = piece
    return patches


def _size(patches: Tensor) -> tuple[int, int]:
    return tuple(patches.shape[-2:])


def _resized(patches: Tensor, size: tuple[int, int]) -> Tensor:
    return functional.interpolate(patches, size, mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)
