"""An earlier JPEG compression, from the pixels alone: its quality, its luma table and its block grid.

Decoded coefficients lie near multiples of their divisors (Fan and de Queiroz 2003). For a divisor T and an error of
std s, a coefficient c has the density T N(c - T k; s) relative to a smooth one, k being the nearest multiple; the
quality whose table makes the coefficients most likely is taken, if it is clearly more likely than none. The error is
that of rounding pixels and, where the file itself is a JPEG, that of its own divisors. Pixels of lossless files tell
the divisors one by one, see `likely_divisors`; the qualities are tried where too few frequencies do.

Cropping shifts the block grid. At the true offset far more coefficients are zero than at any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from patina.fitting.block_grid import BLOCK, sampled_coefficients
from patina.fitting.divisors import evidence_of_all, likely_divisors, log_density
from patina.fitting.former_table import former_table
from patina.imaging.compression_headers import Table, nearest_quality, standard_table

QUALITIES = range(20, 99)
"""Qualities whose divisors stand out from rounding errors."""

_ROUNDING = 0.5
"""Std of a coefficient's rounding error in grey levels; the pixels' own is 0.29, the colour conversion adds as much."""

_NONZERO_STDS = 2.5
"""Coefficients below so many stds of their error are zeros, which every table explains."""

_CLEARLY, _ENOUGH = 0.03, 200
"""Log-likelihood for each coefficient above which a compression is believed, and how many coefficients must tell."""

_SEARCHED = 136
"""Side in pixels of the region that is searched for the block grid."""

_COARSER = 3
"""An earlier compression leaves traces in a JPEG if its quality is lower than the file's by so much."""


@dataclass(frozen=True)
class FormerJpeg:
    """A compression before the last one.

    Attributes:
        quality: 1 to 100, of libjpeg's standard tables; the nearest one where `luma` is given.
        grid: row and column, 0 to 7, where a block begins; (0, 0) unless the picture was cropped since.
        luma: the luma table, where it is none of libjpeg's; found in lossless files alone.
    """

    quality: int
    grid: tuple[int, int] = (0, 0)
    luma: Table | None = None


def former_jpeg(planes: Sequence[np.ndarray], quality: int = 100, divisors: Table | None = None) -> FormerJpeg | None:
    """Return the JPEG compression that a photo had before it was stored in its file, or None.

    Args:
        planes: luma of crops, float32 ``[H, W]`` in grey levels; the file's blocks begin at their corners.
        quality: of the file's own compression; 100 for lossless files.
        divisors: 64 divisors of luma of the file's own compression, row by row; None for lossless files.
    """
    own = np.ones(BLOCK * BLOCK) if divisors is None else np.array(divisors, np.float64)
    errors = np.maximum(_ROUNDING, own / np.sqrt(12))
    qualities = [coarser for coarser in QUALITIES if divisors is None or coarser <= quality - _COARSER]
    here = _coefficients(planes, (0, 0))
    if divisors is None and (table := former_table(likely_divisors(here))) is not None:
        return _by_table(table)
    # The file's own table and its near neighbours explain the coefficients without an earlier compression.
    least = _CLEARLY + max(0.0, _likelihood(here, own[1:], errors[1:]))
    if (found := _likely_quality(here, qualities, errors[1:], least)) is not None:
        return FormerJpeg(found)
    everywhere = np.full_like(errors, np.sqrt(np.square(errors).mean()))  # blocks elsewhere take up all frequencies
    grid = _likely_grid(planes, everywhere[0])
    shifted = _coefficients(planes, grid)
    if divisors is None and (table := former_table(likely_divisors(shifted))) is not None:
        return _by_table(table, grid)
    found = _likely_quality(shifted, qualities, everywhere[1:], _CLEARLY)
    return None if found is None else FormerJpeg(found, grid)


def _by_table(table: Table, grid: tuple[int, int] = (0, 0)) -> FormerJpeg:
    quality = nearest_quality(table)
    return FormerJpeg(quality, grid, None if table == standard_table(quality) else table)


def _coefficients(planes: Sequence[np.ndarray], grid: tuple[int, int]) -> np.ndarray:
    """Return the coefficients of all blocks, ``[N, 63]``, without the mean, whose many multiples fit every table."""
    return sampled_coefficients([plane[grid[0] :, grid[1] :] - 128 for plane in planes])


def _likely_grid(planes: Sequence[np.ndarray], error: float) -> tuple[int, int]:
    """Return the grid offset, other than (0, 0), that makes most coefficients nearly zero."""
    places = [(row, column) for row in range(BLOCK) for column in range(BLOCK)][1:]
    middles = [_middle(plane) for plane in planes]
    zeros = [(np.abs(_coefficients(middles, place)) < error).mean() for place in places]
    return places[int(np.argmax(zeros))]


def _middle(plane: np.ndarray) -> np.ndarray:
    """Return the central region of a plane, aligned to its 8x8 grid."""
    top, left = (max(0, length - _SEARCHED) // 2 // BLOCK * BLOCK for length in plane.shape)
    return plane[top : top + _SEARCHED, left : left + _SEARCHED]


def _likely_quality(coefficients: np.ndarray, qualities: Sequence[int], errors: np.ndarray, least: float) -> int | None:
    """Return the quality whose table makes the coefficients most likely, if its likelihood is above `least`."""
    if not qualities:
        return None
    tables = np.array([standard_table(one)[1:] for one in qualities])
    if (errors == _ROUNDING).all():
        scores = _lossless_likelihoods(coefficients, tables)
    else:
        scores = np.array([_likelihood(coefficients, table, errors) for table in tables])
    best = int(np.argmax(scores))
    return qualities[best] if scores[best] > least else None


def _lossless_likelihoods(coefficients: np.ndarray, tables: np.ndarray) -> np.ndarray:
    """Return `_likelihood` of tables ``[Q, 63]`` for coefficients of lossless files, of like errors, ``[Q]``."""
    says = np.abs(coefficients) > _NONZERO_STDS * _ROUNDING
    if (count := says.sum()) < _ENOUGH:
        return np.zeros(len(tables))
    evidence = evidence_of_all(coefficients, says, _ROUNDING)
    return evidence[tables, np.arange(tables.shape[1])].sum(axis=1) / count


def _likelihood(coefficients: np.ndarray, divisors: np.ndarray, errors: np.ndarray) -> float:
    """Return the mean log-likelihood of coefficients ``[N, 63]`` for a table, relative to no compression.

    Coefficients that any table would round to 0 say nothing and are left out.
    """
    told = divisors >= 2 * errors
    coefficients, divisors, errors = (
        values[..., told].astype(np.float32) for values in (coefficients, divisors, errors)
    )
    says = np.abs(coefficients) > _NONZERO_STDS * errors
    if (count := says.sum()) < _ENOUGH:
        return 0.0
    places = np.nonzero(says)[1]
    return float(log_density(coefficients[says], divisors[places], errors[places]).sum() / count)
