"""The quality of a JPEG that was stored again without loss, from the pixels alone.

Decoded coefficients lie near multiples of their divisors (Fan and de Queiroz 2003). For a divisor T and a rounding
error of std s, a coefficient c has the density T N(c - T k; s) relative to a smooth one, k being the nearest multiple;
the quality whose table makes the coefficients most likely is taken, if it is clearly more likely than none.
"""

from collections.abc import Sequence

import numpy as np

from patina.fitting.block_grid import BLOCK, block_coefficients
from patina.imaging.compression_headers import standard_table

QUALITIES = range(20, 99)
"""Qualities whose divisors stand out from rounding errors."""

_ERROR = 0.5
"""Std of a coefficient's rounding error in grey levels; the pixels' own is 0.29, the colour conversion adds as much."""

_STRAY = 0.02
"""Fraction of coefficients that clipping moves anywhere."""

_CLEARLY = 0.03
"""Log-likelihood for each coefficient above which a compression is believed."""


def former_quality(planes: Sequence[np.ndarray]) -> int | None:
    """Return the JPEG quality that a photo was once compressed with, or None.

    Args:
        planes: luma of crops, float32 ``[H, W]`` in grey levels; JPEG's blocks begin at their corners.
    """
    coefficients = np.concatenate([block_coefficients(plane - 128) for plane in planes]).reshape(-1, BLOCK * BLOCK)
    coefficients = coefficients[:, 1:]  # the mean takes so many multiples that it fits every table
    scores = [_likelihood(coefficients, np.array(standard_table(quality)[1:], np.float32)) for quality in QUALITIES]
    best = int(np.argmax(scores))
    return QUALITIES[best] if scores[best] > _CLEARLY else None


def _likelihood(coefficients: np.ndarray, divisors: np.ndarray) -> float:
    """Return the mean log-likelihood of coefficients ``[N, 63]`` for a table, relative to no compression.

    Coefficients that any table would round to 0 say nothing and are left out.
    """
    rest = coefficients - divisors * np.rint(coefficients / divisors)
    density = divisors / (_ERROR * np.sqrt(2 * np.pi)) * np.exp(-0.5 * np.square(rest / _ERROR))
    logs = np.log((1 - _STRAY) * density + _STRAY)
    says = (np.abs(coefficients) > 2.5 * _ERROR) & (divisors > 2 * _ERROR)
    return float((logs * says).sum() / max(1, says.sum()))
