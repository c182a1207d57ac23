"""The quantisation table of an earlier JPEG compression. Cameras and programs have tables of their own."""

import numpy as np

from patina.fitting.divisors import Divisors
from patina.imaging.compression_headers import Table, standard_table

FEWEST = 8
"""Frequencies that must tell a divisor of 2 or more."""

_ALIKE = 0.9
"""Fraction of the divisors told that a standard table must have to explain them."""


def former_table(divisors: Divisors, *, chroma: bool = False) -> Table | None:
    """Return a table with these divisors; None if a standard table has them, or too few are told.

    Frequencies that tell none get the divisors of the standard table of the same strength.

    Args:
        divisors: of luma or chroma.
        chroma: which of the two.
    """
    coarse = divisors.coarse
    # Halving enlarged chroma amplifies its rounding, which then looks like coefficients without a divisor.
    told = np.where(coarse, divisors.told, 0) if chroma else divisors.told
    if coarse.sum() < FEWEST:
        return None
    standard = np.array([standard_table(quality, chroma=chroma) for quality in range(1, 101)])
    agreed = (standard[:, 1:] == told)[:, coarse].mean(axis=1)
    if agreed.max() >= _ALIKE:
        return None
    base = standard[50 - 1]
    strength = np.exp(np.median(np.log(told[coarse] / base[1:][coarse])))
    filled = np.clip(np.rint(strength * base), 1, 255).astype(int)
    filled[1:][told > 0] = told[told > 0]
    return tuple(map(int, filled))
