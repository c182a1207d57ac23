"""The luma quantisation table of an earlier JPEG compression, from the pixels of a lossless file.

Cameras and programs have tables of their own. Every frequency is judged by itself: for a divisor T, a decoded
coefficient c has the density T N(c - T k; s) relative to a smooth one, k being the nearest multiple (Fan and de Queiroz
2003). A multiple of the true divisor leaves coefficients between its own multiples; a part of it has the lower density.
"""

import numpy as np

from patina.imaging.compression_headers import Table, standard_table

ROUNDING = 0.35
"""Std of a luma coefficient's error in grey levels: the decoder rounds luma (0.29) and then red, green and blue, which
luma sums with weights of 0.299, 0.587 and 0.114 (0.19)."""

STRAY = 0.02
"""Fraction of coefficients that clipping moves anywhere."""

_DIVISORS = range(2, 65)
_NONZERO = 2.5 * ROUNDING
"""Smaller coefficients are zeros, which every divisor explains."""

_SURE, _SHOWN = 25.0, 0.25
"""Log-likelihood from which a divisor is believed, about that of nine coefficients: fewer are multiples of some number
by chance. And fraction of coefficients that are not zero from which none is: fewer may be what clipping moved."""

_FEWEST = 8
"""Frequencies that must tell a divisor of 2 or more."""

_ALIKE = 0.9
"""Fraction of the divisors told that a standard table must have to explain them."""


def former_table(coefficients: np.ndarray) -> Table | None:
    """Return the luma table of an image's earlier JPEG compression; None if it is standard or too few frequencies tell.

    Frequencies with too few coefficients that are not zero get the divisors of the standard table of the same strength.

    Args:
        coefficients: ``[N, 63]`` in grey levels, of blocks on the compression's grid, without the mean.
    """
    told = _divisors(coefficients.astype(np.float32))
    coarse = told >= 2
    if coarse.sum() < _FEWEST:
        return None
    standard = np.array([standard_table(quality) for quality in range(1, 101)])
    agreed = (standard[:, 1:] == told)[:, coarse].mean(axis=1)
    if agreed.max() >= _ALIKE:
        return None
    base = standard[50 - 1]
    strength = np.exp(np.median(np.log(told[coarse] / base[1:][coarse])))
    filled = np.clip(np.rint(strength * base), 1, 255).astype(int)
    filled[1:][told > 0] = told[told > 0]
    return tuple(map(int, filled))


def _divisors(coefficients: np.ndarray) -> np.ndarray:
    """Return the divisor of every frequency, ``[63]``: 1 where coefficients show none, 0 where too few tell."""
    says = np.abs(coefficients) > _NONZERO
    scores = np.stack([_log_density(coefficients, divisor, says) for divisor in _DIVISORS])
    best = np.array(_DIVISORS)[scores.argmax(axis=0)]
    return np.where(scores.max(axis=0) > _SURE, best, np.where(says.mean(axis=0) >= _SHOWN, 1, 0))


def _log_density(coefficients: np.ndarray, divisor: int, says: np.ndarray) -> np.ndarray:
    """Return the log-likelihood of a divisor for every frequency, ``[63]``, relative to none.

    Coefficients near 0 support no divisor: they may be more than rounding, and larger divisors have the higher density.
    """
    multiple = np.rint(coefficients / divisor)
    rest = coefficients - divisor * multiple
    density = divisor / (ROUNDING * np.sqrt(2 * np.pi)) * np.exp(-0.5 * np.square(rest / ROUNDING))
    found = np.log((1 - STRAY) * density + STRAY)
    return np.where(says, np.where(multiple == 0, np.minimum(found, 0), found), 0).sum(axis=0)
