"""Measures that no numbers of a family explain, set aside at a price.

Where a family cannot make what the photos have, or cannot take away what the clean pictures have, a few measures stay
off. Least squares then bends all other numbers to bring these nearer. So the mean difference r of the photos' measures
from the synthesised ones may have a part δ that is not explained: it costs its absolute value (lasso, Tibshirani 1996),

    minimise over δ: (r - δ)' P (r - δ) + 2 Σ λ_j |δ_j|,   λ_j = THRESHOLD sqrt(chance P_jj),

with the precision P. By chance alone P r has the variance chance P_jj, so differences that chance could make have no δ.
"""

import numpy as np

from patina.fitting.emulator import Emulator
from patina.fitting.population import Population, explain

THRESHOLD = 4.0
"""Standard deviations beyond which a difference is set aside rather than explained."""

_SWEEPS, _EXACT = 200, 1e-4

_TURNS, _SETTLED = 5, 1e-3
"""Most turns between the photos' numbers and what these leave unexplained, and the change that ends them earlier."""


def explain_robustly(
    emulator: Emulator,
    measures: np.ndarray,
    known: np.ndarray,
    begun: Population,
    believed: np.ndarray | float,
    trust: float,
    chance: float,
) -> Population:
    """Find the photos' numbers, and in turn what they leave unexplained, which then does not pull at them.

    Args:
        emulator, measures, known, begun, believed, trust: as in `explain`.
        chance: as in `unexplained`.
    """
    aside = np.zeros(measures.shape[1])
    for _ in range(_TURNS):
        population = explain(emulator, measures - aside, known, begun, believed, trust)
        rest = measures.mean(axis=0) - emulator.predict(population.units).mean(axis=0)
        before, aside = aside, unexplained(rest, emulator.precision, chance)
        if np.abs(aside - before).max() < _SETTLED:
            break
    return population


def unexplained(difference: np.ndarray, precision: np.ndarray, chance: float) -> np.ndarray:
    """Return the part δ of a difference of mean measures that is set aside, ``[k]``; mostly 0.

    Args:
        difference: ``[k]``.
        precision: inverse covariance of one picture's measures, ``[k, k]``.
        chance: variance of the difference by chance, relative to that of one picture.
    """
    diagonal = np.diag(precision)
    price = THRESHOLD * np.sqrt(chance * diagonal)
    aside, pull = np.zeros_like(difference), precision @ difference
    for _ in range(_SWEEPS):
        largest = 0.0
        for place in np.flatnonzero((np.abs(pull) > price) | (aside != 0)):
            wanted = pull[place] + diagonal[place] * aside[place]
            value = np.sign(wanted) * max(abs(wanted) - price[place], 0.0) / diagonal[place]
            change = value - aside[place]
            if change:
                aside[place] = value
                pull -= precision[:, place] * change
                largest = max(largest, abs(change) * np.sqrt(diagonal[place]))
        if largest < _EXACT:
            break
    return aside


def robust_misfit(difference: np.ndarray, precision: np.ndarray, chance: float) -> float:
    """Return the minimum above per measure; without δ the squared Mahalanobis distance."""
    aside = unexplained(difference, precision, chance)
    rest = difference - aside
    price = THRESHOLD * np.sqrt(chance * np.diag(precision))
    return float(rest @ precision @ rest + 2 * price @ np.abs(aside)) / len(difference)
