"""The numbers of a set of photos, found from their measures: each photo's own, and how they are distributed.

An emulator predicts the measures of given numbers, and how much they vary with the contents of pictures.
"""

from dataclasses import dataclass

import numpy as np

from patina.fitting.emulator import Emulator

_EM_STEPS, _NEWTON_STEPS = 15, 6
_LARGEST_STEP = 0.25
_SMALLEST_SPREAD = 0.02
_SMALLEST_REACH, _REACH = 0.15, 2.0
"""How far the mean may move: so many times the spread, since the samples lie no further apart; the spread counts as at
least the first number."""

WIDEST_MEAN, WIDEST_SPREAD = 0.5, 0.29
"""Of the uniform distribution over [0, 1], which is what is believed where the photos tell nothing."""

_KNOWN_STD = 1e-3


@dataclass(frozen=True)
class Population:
    """Unit values of photos.

    Attributes:
        units: ``[n, d]``, of each photo.
        variance: ``[n, d]``, how uncertain they are.
        mean, spread: ``[d]``, of the photos' true unit values.
        error: ``[d]``, standard error of the mean, whatever the other means are; the photos' own spread, their contents
            and those of the clean crops add to it.
        detail: ``[d]``, the change of one unit value that a photo's measures tell from chance.
    """

    units: np.ndarray
    variance: np.ndarray
    mean: np.ndarray
    spread: np.ndarray
    error: np.ndarray
    detail: np.ndarray


def explain(
    emulator: Emulator,
    measures: np.ndarray,
    known: np.ndarray,
    begun: Population,
    believed: np.ndarray | float = WIDEST_MEAN,
    trust: float = 1.0,
) -> Population:
    """Find the unit values of photos and their population: u ~ N(mean, spread²), m ~ N(predict(u), C).

    The spread follows by expectation maximisation. The mean does not: where the spread is small, that would move it by
    a small part of the way at each step. It takes Newton steps on the likelihood of the measures instead.

    Args:
        emulator: of the recipe.
        measures: ``[n, k]`` of the photos.
        known: ``[n, d]`` unit values that files tell; NaN where they do not.
        begun: the population to begin with; its mean and spread are used.
        believed: ``[d]`` or one number, the mean where the photos tell nothing.
        trust: in the emulator; with less of it the mean moves less.
    """
    is_known = np.isfinite(known)
    mean, spread = begun.mean, begun.spread
    reach = trust * _REACH * np.maximum(spread, _SMALLEST_REACH)
    for _ in range(_EM_STEPS):
        prior_mean = np.where(is_known, known, mean)
        prior_precision = 1 / np.where(is_known, _KNOWN_STD, spread) ** 2
        units, information = _most_likely(emulator, measures, prior_mean, prior_precision)
        posterior = np.linalg.inv(information + _diagonals(prior_precision))
        variance = posterior[:, np.arange(len(mean)), np.arange(len(mean))]
        # The measures' likelihood with u integrated out has the gradient S^-1 (u - mean) and the curvature
        # A - A (A + S^-1)^-1 A in the mean, with S = spread² and the information A = B' C^-1 B (Woodbury).
        marginal = information - information @ posterior @ information
        curvature = np.where(is_known[:, :, None] | is_known[:, None, :], 0.0, marginal)
        curvature += _diagonals(np.where(is_known, 1 / spread**2, 0.0))
        gradient = ((units - mean) / spread**2).sum(axis=0) + (believed - mean) / WIDEST_SPREAD**2
        covariance = np.linalg.inv(curvature.sum(axis=0) + np.eye(len(mean)) / WIDEST_SPREAD**2)
        step = covariance @ gradient
        mean = mean + step.clip(-_LARGEST_STEP, _LARGEST_STEP)
        mean = mean.clip(begun.mean - reach, begun.mean + reach).clip(0, 1)
        spread = np.sqrt(units.var(axis=0) + variance.mean(axis=0)).clip(_SMALLEST_SPREAD)
    detail = 1 / np.sqrt(np.diagonal(information, axis1=1, axis2=2).mean(axis=0) + 1e-9)
    response = (np.eye(len(mean)) - information @ posterior) * ~is_known[:, :, None]
    error = _standard_error(covariance, response, information, emulator.crops)
    return Population(units, variance, mean, spread, error, detail)


def _standard_error(covariance: np.ndarray, response: np.ndarray, information: np.ndarray, crops: float) -> np.ndarray:
    """Return the standard error of the mean, ``[d]``.

    The contents of M clean crops move all predicted measures by an error of covariance C / M. It enters a photo's
    gradient as R B' C^-1 times it, with R = 1 - A (A + S^-1)^-1, and so that of n photos with the covariance
    n² R A R' / M, which no number of photos makes smaller.

    Args:
        covariance: ``[d, d]`` of the mean by the photos alone.
        response: R of every photo, ``[n, d, d]``; 0 in rows of known numbers.
        information: A of every photo, ``[n, d, d]``.
        crops: M.
    """
    shared = (response @ information @ response.transpose(0, 2, 1)).mean(axis=0) * len(response) ** 2 / crops
    return np.sqrt(np.diag(covariance + covariance @ shared @ covariance))


def _most_likely(
    emulator: Emulator, measures: np.ndarray, prior_mean: np.ndarray, prior_precision: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return each photo's most likely unit values and what the measures tell about them, by Gauss-Newton steps.

    Returns:
        ``[n, d]``, and ``[n, d, d]``, the inverse covariance of the unit values by the measures alone.
    """
    units = prior_mean.copy()
    for _ in range(_NEWTON_STEPS):
        information, pull = emulator.told_by(measures, units)
        gradient = pull + (prior_mean - units) * prior_precision
        step = np.linalg.solve(information + _diagonals(prior_precision), gradient[..., None])[..., 0]
        units = (units + step.clip(-_LARGEST_STEP, _LARGEST_STEP)).clip(0, 1)
        if np.abs(step).max() < 1e-3:
            break
    return units, information


def _diagonals(values: np.ndarray) -> np.ndarray:
    """Return ``[n, d]`` as diagonal matrices ``[n, d, d]``."""
    return values[:, :, None] * np.eye(values.shape[1])
