"""How an earlier JPEG compression subsampled chroma, and chroma's table, from the pixels of a lossless copy.

Decoders enlarge subsampled chroma, which hides its divisors. libjpeg's "fancy" upsampling turns sample i into the
pixels (3 c_i + c_(i-1)) / 4 and (3 c_i + c_(i+1)) / 4. Their sum is (c_(i-1) + 6 c_i + c_(i+1)) / 4, so a tridiagonal
system gives the samples back. Other decoders repeat each sample. Every combination of subsampling and upsampling is
tried; only the right one leaves coefficients at multiples of divisors.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.linalg import solveh_banded

from patina.fitting.block_grid import BLOCK, sampled_coefficients
from patina.fitting.divisors import evidence_of, likely_divisors
from patina.fitting.former_jpeg import FormerJpeg
from patina.fitting.former_table import former_table
from patina.imaging.compression_headers import Table, standard_table

_AXES = {"4:4:4": (), "4:2:2": (1,), "4:2:0": (0, 1)}
"""Axes along which each chroma subsampling of cameras and encoders halves."""

_EVIDENCE = 100.0
"""Smallest log-likelihood of the divisors at which a subsampling is accepted."""


@dataclass(frozen=True)
class FormerChroma:
    """Chroma of an earlier compression.

    Attributes:
        subsampling: a key of `JPEG_SUBSAMPLINGS`.
        table: chroma's own table, where it is told and none of libjpeg's.
    """

    subsampling: str
    table: Table | None


def former_chroma(planes: Sequence[np.ndarray], luma: FormerJpeg) -> FormerChroma | None:
    """Return the chroma subsampling and table, or None if the coefficients support none clearly.

    Args:
        planes: luma and two chroma planes of crops, float32 ``[H, W, 3]`` in grey levels.
        luma: the compression found in luma. If its table is standard, chroma's is that of the same quality.
    """
    candidates = {
        (name, is_fancy, corner): _coefficients(planes, axes, corner, is_fancy)
        for name, axes in _AXES.items()
        for is_fancy in ((True, False) if axes else (True,))
        for corner in _corners(axes, luma.grid)
    }
    if luma.luma is None:
        standard = np.array(standard_table(luma.quality, chroma=True)[1:])
        evidence = {key: evidence_of(standard, coefficients) for key, coefficients in candidates.items()}
        (name, *_), most = max(evidence.items(), key=lambda item: item[1])
        return FormerChroma(name, None) if most > _EVIDENCE else None
    found = {key: likely_divisors(coefficients) for key, coefficients in candidates.items()}
    (name, *_), best = max(found.items(), key=lambda item: item[1].evidence)
    return FormerChroma(name, former_table(best, chroma=True)) if best.evidence > _EVIDENCE else None


def _corners(axes: tuple[int, ...], grid: tuple[int, int]) -> list[tuple[int, int]]:
    """Return where a block of chroma may begin: it is twice as long as one of luma along halved axes.

    Crops begin at multiples of 16, so blocks of files that were never cropped begin at their corners.
    """
    if grid == (0, 0):
        return [grid]
    rows, columns = ([start, start + BLOCK] if axis in axes else [start] for axis, start in enumerate(grid))
    return list(product(rows, columns))


def _coefficients(
    planes: Sequence[np.ndarray], axes: tuple[int, ...], corner: tuple[int, int], is_fancy: bool
) -> np.ndarray:
    """Return the coefficients ``[N, 63]`` of chroma that was enlarged along some axes."""
    found = []
    for plane in planes:
        samples = plane[corner[0] :, corner[1] :, 1:]
        for axis in axes:
            samples = _halved(samples, axis, is_fancy)
        found += [np.ascontiguousarray(samples[..., number]) for number in (0, 1)]
    return sampled_coefficients(found)


def _halved(samples: np.ndarray, axis: int, is_fancy: bool) -> np.ndarray:
    """Return what was enlarged by 2 along an axis; the samples before the first and behind the last repeat these."""
    samples = np.moveaxis(samples, axis, 0)
    count = len(samples) // 2
    sums = samples[: 2 * count : 2] + samples[1 : 2 * count : 2]
    if not is_fancy:
        return np.moveaxis(sums / 2, 0, axis)
    bands = np.full((2, count), 0.25)
    bands[1] = 1.5
    bands[1, [0, -1]] = 1.75
    solved = solveh_banded(bands, sums.reshape(count, -1)).reshape(sums.shape)
    return np.moveaxis(np.float32(solved), 0, axis)
