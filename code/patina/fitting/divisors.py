"""Quantisation divisors, estimated from decoded DCT coefficients frequency by frequency.

For a divisor T, a decoded coefficient c has the density T N(c - T k; s) relative to a smooth one, k being the nearest
multiple (Fan and de Queiroz 2003). A multiple of the true divisor leaves coefficients between its own multiples; a part
of it has the lower density.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

ROUNDING = 0.35
"""Std of a coefficient's error in grey levels: the decoder rounds luma (0.29) and then red, green and blue, which luma
sums with weights of 0.299, 0.587 and 0.114 (0.19). That of chroma is about the same."""

STRAY = 0.02
"""Fraction of coefficients that clipping moves anywhere."""

_USUAL = 64
"""Larger divisors are tried only where most coefficients are larger."""

_LARGEST = 255
"""JPEG's largest divisor with 8 bits."""

_FINE = 8
"""Histogram bins per grey level. They are narrow compared with the coefficients' errors, and a histogram is compared
with all divisors faster than tens of thousands of coefficients are."""

_HIGHEST = 8 * 128
"""Largest coefficient of a block of 8x8 pixels from -128 to 127."""

_NONZERO = 2.5 * ROUNDING
"""Smaller coefficients are zeros, which every divisor explains."""

_SURE = 25.0
"""Smallest log-likelihood at which a divisor is accepted: about that of nine coefficients, since fewer are multiples of
some number by chance."""

_SHOWN = 0.25
"""Smallest fraction of nonzero coefficients at which a frequency without a divisor counts as one of divisor 1. Fewer
nonzero coefficients may come from clipping."""


@dataclass(frozen=True)
class Divisors:
    """Divisors estimated from DCT coefficients.

    Attributes:
        told: ``[63]``, row by row without the mean: 1 where coefficients lie at no multiples, 0 where too few are
            nonzero to decide.
        evidence: log-likelihood of the divisors of 2 or more, relative to no quantisation.
    """

    told: np.ndarray
    evidence: float

    @property
    def coarse(self) -> np.ndarray:
        """Which are 2 or more, ``[63]``."""
        return self.told >= 2


def likely_divisors(coefficients: np.ndarray) -> Divisors:
    """Return the most likely divisors.

    Args:
        coefficients: ``[N, 63]`` in grey levels, of blocks on the compression's grid, without the mean.
    """
    says = np.abs(coefficients) > _NONZERO
    are_large = (np.abs(coefficients) > _USUAL).sum(axis=0) > says.sum(axis=0) / 2
    scores = evidence_of_all(coefficients, says, ROUNDING, zeros_tell=False)
    scores[_USUAL + 1 :, ~are_large] = 0
    scores[:2] = -np.inf
    best, most = scores.argmax(axis=0), scores.max(axis=0)
    told = np.where(most > _SURE, best, np.where(says.mean(axis=0) >= _SHOWN, 1, 0))
    return Divisors(told, float(most[most > _SURE].sum()))


def evidence_of_all(coefficients: np.ndarray, says: np.ndarray, error: float, zeros_tell: bool = True) -> np.ndarray:
    """Return the log-likelihood of every divisor at every frequency, relative to no quantisation, ``[256, 63]``.

    Args:
        coefficients: ``[N, 63]``, as in `likely_divisors`.
        says: which of them count, ``[N, 63]``.
        error: std of their errors in grey levels.
        zeros_tell: whether coefficients near 0 may support a divisor, see `_log_density`.
    """
    size, steps = says.shape[1], _HIGHEST * _FINE + 1
    bins = np.rint(np.abs(coefficients[says]) * _FINE).astype(np.intp).clip(max=steps - 1)
    counts = np.bincount(np.nonzero(says)[1] * steps + bins, minlength=size * steps).reshape(size, steps)
    occupied = np.flatnonzero(counts.any(axis=0))
    return _densities(error, zeros_tell)[:, occupied] @ counts[:, occupied].T.astype(np.float32)


@cache
def _densities(error: float, zeros_tell: bool) -> np.ndarray:
    """Return the log-likelihood of every divisor at every bin of `evidence_of_all`, ``[256, bins]``."""
    bins = np.arange(_HIGHEST * _FINE + 1, dtype=np.float32) / _FINE
    found = np.zeros((_LARGEST + 1, len(bins)), np.float32)
    density = log_density if zeros_tell else _log_density
    for divisor in range(1, _LARGEST + 1):
        found[divisor] = density(bins, divisor, error)
    return found


def evidence_of(divisors: np.ndarray, coefficients: np.ndarray) -> float:
    """Return the log-likelihood of known divisors ``[63]``, relative to none, of the frequencies that support them.

    In the others, clipped colours may have moved more coefficients than rounding left nonzero.

    Args:
        divisors: of every frequency.
        coefficients: ``[N, 63]``, as in `likely_divisors`.
    """
    told = np.flatnonzero(divisors >= 2)
    says = np.abs(coefficients[:, told]) > _NONZERO
    values, places = np.float32(coefficients[:, told][says]), np.nonzero(says)[1]
    scores = np.bincount(places, _log_density(values, np.float32(divisors[told])[places]), len(told))
    return float(scores.clip(0).sum())


def _log_density(coefficients: np.ndarray, divisor: int | np.ndarray, error: float = ROUNDING) -> np.ndarray:
    """Return `log_density` for every coefficient, ``[N]``; coefficients near 0 support no divisor.

    They may be more than rounding errors, and larger divisors have the higher density.
    """
    found = log_density(coefficients, divisor, error)
    return np.where(np.rint(coefficients / divisor) == 0, np.minimum(found, 0), found)


def log_density(coefficients: np.ndarray, divisors: np.ndarray | int, errors: np.ndarray | float) -> np.ndarray:
    """Return the log-likelihood of divisors for every coefficient, relative to no quantisation.

    Args:
        coefficients: in grey levels, of any shape.
        divisors: T, broadcast to that shape.
        errors: s, std of the coefficients' errors, broadcast to that shape.
    """
    rest = coefficients - divisors * np.rint(coefficients / divisors)
    # `np.sqrt` would give a float64, and all that follows would be computed in it.
    density = divisors / (errors * math.sqrt(2 * math.pi)) * np.exp(-0.5 * np.square(rest / errors))
    return np.log((1 - STRAY) * density + STRAY)
