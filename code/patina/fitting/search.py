"""Matching by synthesis: move a family's numbers until what it makes measures as the photos do.

Every direct estimate is biased: compression takes noise away, blur hides it, texture is counted as noise. Here the
recipe is run on clean pictures with the numbers found so far, its results are measured as the photos were, and the
numbers follow the differences. What biases both sides alike drops out. Photos are explained one by one, but together:
each one's numbers come from a population whose mean and spread are found with them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from patina.fitting.emulator import Emulator, Population, explain
from patina.fitting.family import Family, plain_family
from patina.fitting.synthesis import SyntheticSample, synthesise
from patina.seeding import derive, numpy_rng

ROUNDS = 4
SAMPLES = 256
"""Pictures that are synthesised in a round."""

WIDEST_SPREAD = 0.29
"""Std of the uniform distribution over [0, 1], which is what is believed before the first round."""

_SMALLEST_STEP, _STEP_FACTOR = 0.06, 1.2
"""How far a round's samples lie from the photos' own numbers: enough to learn slopes from."""

_OUTLIER = 6.0
"""Measures further than so many standard deviations from the synthesised ones are brought back to there."""


@dataclass(frozen=True)
class Round:
    """What a round found.

    Attributes:
        population: of the photos.
        distance: between the photos' mean measures and the synthesised ones', in standard deviations of one photo.
    """

    population: Population
    distance: float


@dataclass(frozen=True)
class SynthesisMatch:
    """The numbers of a family that explain a set of photos.

    Attributes:
        family: what was fitted.
        rounds: of the search, in order.
        fitted: measures of clean pictures with the photos' numbers, ``[N, k]``.
    """

    family: Family
    rounds: tuple[Round, ...]
    fitted: np.ndarray

    @property
    def population(self) -> Population:
        """What the last round found."""
        return self.rounds[-1].population


def match(
    family: Family,
    names: Sequence[str],
    photos: np.ndarray,
    known: np.ndarray,
    clean: Sequence[Path],
    *,
    workers: int = 0,
    seed: int = 0,
    rounds: int = ROUNDS,
    samples: int = SAMPLES,
) -> SynthesisMatch:
    """Find the numbers of a family that explain photos.

    Args:
        family: a recipe with free numbers.
        names: of the measures.
        photos: ``[n, k]`` measures of each photo.
        known: ``[n, d]`` unit values that files tell; NaN where they do not.
        clean: files of the clean pictures' crops, see `SyntheticSample`.
        workers: processes that synthesise; the result does not depend on their number.
        seed: of all draws.
        rounds, samples: how often, and how many pictures each time.
    """
    rng, size = numpy_rng(seed, "fit"), len(family.free)
    units = _stratified(rng, samples, size)
    lent = known[_owners(rng, samples, len(photos))]
    units = np.where(np.isfinite(lent), lent, units)
    mean, spread = np.full(size, 0.5), np.full(size, WIDEST_SPREAD)
    found: list[Round] = []
    for number in range(rounds):
        title = f"fit {number + 1}/{rounds + 1}"
        fitted = _synthesised(family, units, clean, names, derive(seed, "round", number), workers, title)
        emulator = Emulator.learn(units, fitted, mean)
        centre = emulator.predict(mean[None])[0] if number else fitted.mean(axis=0)
        reach = _OUTLIER * np.maximum(emulator.deviation, fitted.std(axis=0))
        population = explain(emulator, np.clip(photos, centre - reach, centre + reach), known, mean, spread)
        difference = (photos.mean(axis=0) - fitted.mean(axis=0)) / emulator.deviation
        found.append(Round(population, float(np.sqrt(np.square(difference).mean()))))
        mean, spread = population.mean, population.spread
        units = _nearby(rng, population, known, samples)
    # What is compared at the end is the result itself: the photos' own numbers, without the room to learn from.
    owners = _owners(rng, samples // 2, len(photos))
    key, title = derive(seed, "result"), f"fit {rounds + 1}/{rounds + 1}"
    fitted = _synthesised(family, population.units[owners], clean, names, key, workers, title)
    return SynthesisMatch(family, tuple(found), fitted)


def undegraded(
    scale: int, names: Sequence[str], clean: Sequence[Path], *, workers: int = 0, seed: int = 0
) -> np.ndarray:
    """Return the measures ``[N, k]`` of clean pictures that are only brought to the photos' size."""
    family, nothing = plain_family(scale), np.empty((SAMPLES // 2, 0))
    return _synthesised(family, nothing, clean, names, derive(seed, "undegraded"), workers, "measure clean pictures")


def as_array(names: Sequence[str], measures: Iterable[Mapping[str, float]]) -> np.ndarray:
    """Return measures by name as ``[N, k]`` in the order of `names`."""
    return np.array([[values[name] for name in names] for values in measures])


def _synthesised(
    family: Family,
    units: np.ndarray,
    clean: Sequence[Path],
    names: Sequence[str],
    key: int,
    workers: int,
    description: str,
) -> np.ndarray:
    """Return the measures ``[N, k]`` of clean pictures degraded with unit values ``[N, d]``."""
    order = numpy_rng(key, "pictures").permutation(np.resize(np.arange(len(clean)), len(units)))
    samples = [
        SyntheticSample(clean[picture], unit, derive(key, number))
        for number, (picture, unit) in enumerate(zip(order, units, strict=True))
    ]
    return as_array(names, synthesise(samples, family, workers=workers, description=description))


def _stratified(rng: np.random.Generator, count: int, size: int) -> np.ndarray:
    """Return a Latin hypercube, ``[count, size]`` in [0, 1]."""
    places = np.stack([rng.permutation(count) for _ in range(size)], axis=1)
    return (places + rng.random((count, size))) / count


def _owners(rng: np.random.Generator, count: int, photos: int) -> np.ndarray:
    """Return which photo lends each sample what its file tells, every photo about equally often."""
    return rng.permutation(np.resize(np.arange(photos), count))


def _nearby(rng: np.random.Generator, population: Population, known: np.ndarray, count: int) -> np.ndarray:
    """Return unit values around those of the photos."""
    owners = _owners(rng, count, len(population.units))
    width = np.maximum(_SMALLEST_STEP, np.sqrt(population.variance[owners])) * _STEP_FACTOR
    drawn = (population.units[owners] + rng.standard_normal(width.shape) * width).clip(0, 1)
    return np.where(np.isfinite(known[owners]), known[owners], drawn)
