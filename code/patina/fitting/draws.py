"""What a search's round draws: unit values, the photos that they belong to, and the clean crops to degrade."""

import numpy as np

from patina.fitting.population import Population

_SMALLEST_STEP, _LARGEST_STEP, _DETAILS, _STEP_FACTOR = 0.01, 0.06, 4.0, 1.2
"""How far a round's samples lie from the photos' own numbers: enough to learn slopes from, and no further, since
measures of little variance see every curve."""


def stratified_units(rng: np.random.Generator, count: int, size: int) -> np.ndarray:
    """Return a Latin hypercube, ``[count, size]`` in [0, 1]."""
    places = np.stack([rng.permutation(count) for _ in range(size)], axis=1)
    return (places + rng.random((count, size))) / count


def weighted_crops(rng: np.random.Generator, weights: np.ndarray, count: int) -> np.ndarray:
    """Draw `count` crops, ``[count]``, each about as often as its weight says, in any order (systematic sampling)."""
    places = (np.arange(count) + rng.random()) / count * weights.sum()
    return rng.permutation(np.searchsorted(weights.cumsum(), places).clip(0, len(weights) - 1))


def even_owners(rng: np.random.Generator, count: int, photos: int) -> np.ndarray:
    """Return which photo lends each sample what its file tells, every photo about equally often."""
    return rng.permutation(np.resize(np.arange(photos), count))


def units_nearby(rng: np.random.Generator, population: Population, known: np.ndarray, owners: np.ndarray) -> np.ndarray:
    """Return unit values around those of the photos `owners`."""
    step = (_DETAILS * population.detail).clip(_SMALLEST_STEP, _LARGEST_STEP)
    width = np.maximum(step, np.sqrt(population.variance[owners])) * _STEP_FACTOR
    drawn = (population.units[owners] + rng.standard_normal(width.shape) * width).clip(0, 1)
    return np.where(np.isfinite(known[owners]), known[owners], drawn)
