"""Matching by synthesis: move a family's numbers until what it makes measures as the photos do.

Every direct estimate is biased: compression takes noise away, blur hides it, texture is counted as noise. Here the
recipe is run on clean pictures with the numbers found so far, its results are measured as the photos were, and the
numbers follow the differences. What biases both sides alike drops out. Photos are explained one by one, but together:
each one's numbers come from a population whose mean and spread are found with them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from patina.fitting.contents import Contents
from patina.fitting.draws import even_owners, stratified_units, units_nearby, weighted_crops
from patina.fitting.emulator import DegradedSamples, Emulator
from patina.fitting.family import Family
from patina.fitting.file_compression import FileCompression
from patina.fitting.misfit import EXPLAINED, NEARLY, MisfitScale
from patina.fitting.model_error import doubted
from patina.fitting.population import WIDEST_MEAN, WIDEST_SPREAD, Population
from patina.fitting.synthesis import SyntheticSample, as_array, crops_in, synthesise
from patina.fitting.unexplained import explain_robustly
from patina.seeding import derive, numpy_rng

ROUNDS, MOST_ROUNDS = 3, 8
SAMPLES = 112
"""Pictures that are synthesised in a round."""

OPTIONAL_MEAN = 0.3
"""Unit value that optional numbers begin at when they are let go."""

_SMALLEST_START = 0.12
"""Spread that numbers get back when others are let go."""

_LEAST_STD = 0.01
"""Added to the measures' standard deviations, some of which are 0 in a set of like photos."""

_OUTLIER = 6.0
"""Measures further than so many standard deviations from the synthesised ones are brought back to there."""


@dataclass(frozen=True)
class SynthesisMatch:
    """The numbers of a family that explain a set of photos.

    Attributes:
        family: what was fitted.
        population: the photos' unit values.
        fitted: measures of clean pictures with the photos' numbers, ``[N, k]``.
        distances: after every round, between the photos' mean measures and the synthesised ones', in standard
            deviations of one photo (root mean square).
        distance: the same for `fitted`.
        precision: inverse covariance of one picture's measures at given numbers, ``[k, k]``, from the last round.
        rounds: all samples that were made.
        contents: the clean crops, weighted as they resemble the photos.
    """

    family: Family
    population: Population
    fitted: np.ndarray
    distances: tuple[float, ...]
    distance: float
    precision: np.ndarray
    rounds: tuple[DegradedSamples, ...]
    contents: Contents


@dataclass(frozen=True)
class Search:
    """What a search needs.

    Attributes:
        family: a recipe with free numbers.
        names: of the measures, ``[k]``.
        photos: measures of each photo, ``[n, k]``.
        compressions: how each photo's file was compressed, ``[n]``.
        clean: files of the clean pictures' crops, see `CleanCrop`.
        contents: measures of all these crops as they are, from `undegraded`.
        workers: processes that synthesise; the result does not depend on their number.
        seed: of all draws.
        samples: pictures that are synthesised in a round.
        rounds: most rounds of a search; one is enough to see that everything runs.
    """

    family: Family
    names: Sequence[str]
    photos: np.ndarray
    compressions: Sequence[FileCompression]
    clean: Sequence[Path]
    contents: Contents
    workers: int = 0
    seed: int = 0
    samples: int = SAMPLES
    rounds: int = MOST_ROUNDS

    @property
    def is_trial(self) -> bool:
        """Whether it only tries that everything runs."""
        return self.rounds == 1

    @property
    def has_optional(self) -> bool:
        """Whether the family has optional numbers."""
        return any(number.optional for number in self.family.free)

    def explains(self, found: SynthesisMatch) -> bool:
        """Whether chance alone could make the difference between fitted pictures and the photos."""
        return self.misfit(found, found.precision) < EXPLAINED * self._scale.chance

    def nearly_explains(self, found: SynthesisMatch) -> bool:
        """Whether a match is so close that a better end of the same search may explain the photos."""
        return self.misfit(found, found.precision) < NEARLY * self._scale.chance

    def misfit(self, match: SynthesisMatch, precision: np.ndarray) -> float:
        """Return how far a match of any family is from the photos, see `MisfitScale.misfit`."""
        return self._scale.misfit(match.fitted.mean(axis=0), precision)

    def match_simple(self, rival: SynthesisMatch | None = None) -> SynthesisMatch:
        """Find the numbers that explain the photos while the optional ones stay at their low ends.

        Args:
            rival: a match of another family; the search ends early where it will not come closer to the photos.
        """
        held = np.where(self._optional, 0.0, self._told())
        size = len(self.family.free)
        mean, spread = np.full(size, WIDEST_MEAN), np.full(size, WIDEST_SPREAD)
        return self._search("fit", held, mean, spread, self.contents, rival=rival)

    def match_all(self, simple: SynthesisMatch) -> SynthesisMatch:
        """Let the optional numbers go, too, from what was found without them."""
        mean = np.where(self._optional, OPTIONAL_MEAN, simple.population.mean)
        spread = np.where(self._optional, WIDEST_SPREAD, simple.population.spread.clip(_SMALLEST_START))
        return self._search("fit more", self._told(), mean, spread, simple.contents, simple.rounds)

    @cached_property
    def _scale(self) -> MisfitScale:
        return MisfitScale.of(self.photos, self.samples)

    @property
    def _optional(self) -> np.ndarray:
        return np.array([number.optional for number in self.family.free])

    def _told(self) -> np.ndarray:
        """Return the unit values that files tell, ``[n, d]``; NaN where they do not."""
        told = np.full((len(self.photos), len(self.family.free)), np.nan)
        for place, number in enumerate(self.family.free):
            if self.family.is_told(number):
                told[:, place] = [number.unit(compression.quality) for compression in self.compressions]
        return told

    def _search(
        self,
        title: str,
        known: np.ndarray,
        mean: np.ndarray,
        spread: np.ndarray,
        contents: Contents,
        begun: Sequence[DegradedSamples] = (),
        rival: SynthesisMatch | None = None,
    ) -> SynthesisMatch:
        """Move numbers round by round.

        Args:
            title: of the progress bars.
            known: unit values that stay as they are, ``[n, d]``; NaN for others.
            mean, spread: of the population that it begins with, ``[d]``.
            contents: the clean crops with the weights that it begins with.
            begun: samples of an earlier search.
            rival: see `match_simple`.
        """
        rng, size = numpy_rng(self.seed, title), len(self.family.free)
        units = (mean + (stratified_units(rng, self.samples, size) - 0.5) * np.sqrt(12) * spread).clip(0, 1)
        owners = even_owners(rng, self.samples, len(self.photos))
        units = np.where(np.isfinite(known[owners]), known[owners], units)
        population = Population(units, np.zeros_like(units), mean, spread, spread, spread)
        believed = np.array([number.plain for number in self.family.free])
        rounds, steps, trust = list(begun), list[_Step](), 1.0
        distances, misfits, scale = list[float](), list[float](), self._scale
        for number in range(self.rounds):
            key = derive(self.seed, title, number)
            rounds.append(self._synthesised(units, owners, key, contents, f"{self._name(title)}, round {number + 1}"))
            emulator = Emulator.learn(rounds, contents, population.mean)
            steps.append(_Step(population, emulator.predict(population.units).mean(axis=0)))
            distances.append(self._distance(steps[-1].expected))
            fair = doubted(emulator, scale.photos - steps[-1].expected, scale.chance)
            worse = number > 1 and scale.is_worse(steps[-1].expected, steps[-2].expected, fair.precision)
            if worse:  # back, and on with less trust
                trust, steps[-1] = trust / 2, steps[-2]
                emulator = Emulator.learn(rounds, contents, steps[-1].population.mean)
                fair = doubted(emulator, scale.photos - steps[-1].expected, scale.chance)
            expected = steps[-1].expected
            if rival and scale.is_given_up(number + 1, expected, rival.fitted.mean(axis=0), emulator.precision):
                return self._ended(steps[-1].population, distances, emulator.precision, rounds, contents)
            misfits.append(scale.misfit(expected, fair.precision))
            photos = self._without_outliers(emulator, rounds[-1])
            before = steps[-1].population
            population = explain_robustly(fair, photos, known, before, believed, trust, scale.chance)
            hoped = emulator.predict(population.units).mean(axis=0)
            contents = contents.resembling(contents.mean + fair.contents_of(photos.mean(axis=0) - hoped))
            settled = scale.is_settled(hoped - expected, fair.precision)
            if number >= ROUNDS - 1 and (settled or scale.has_stalled(misfits)):
                break
            owners = even_owners(rng, self.samples, len(self.photos))
            units = units_nearby(rng, population, known, owners)
        result = self._result(title, population, distances, emulator.precision, rounds, contents)
        if scale.is_worse(result.fitted.mean(axis=0), steps[-1].expected, fair.precision):
            return self._result(title, steps[-1].population, distances, emulator.precision, rounds, contents)
        return result

    def _without_outliers(self, emulator: Emulator, latest: DegradedSamples) -> np.ndarray:
        """Return the photos' measures, those brought near that are further than any sample."""
        centre, reach = latest.measures.mean(axis=0), np.maximum(emulator.deviation, latest.measures.std(axis=0))
        return np.clip(self.photos, centre - _OUTLIER * reach, centre + _OUTLIER * reach)

    def _result(
        self,
        title: str,
        population: Population,
        distances: Sequence[float],
        precision: np.ndarray,
        rounds: Sequence[DegradedSamples],
        contents: Contents,
    ) -> SynthesisMatch:
        """Compare the result itself: the photos' own numbers, without the room to learn from."""
        rng, key = numpy_rng(self.seed, title, "result"), derive(self.seed, title, "result")
        owners = even_owners(rng, self.samples, len(self.photos))
        last = self._synthesised(population.units[owners], owners, key, contents, f"{self._name(title)}, result")
        return self._ended(population, distances, precision, [*rounds, last], contents)

    def _ended(
        self,
        population: Population,
        distances: Sequence[float],
        precision: np.ndarray,
        rounds: Sequence[DegradedSamples],
        contents: Contents,
    ) -> SynthesisMatch:
        """Return a match whose pictures are those of the last round."""
        fitted = rounds[-1].measures
        distance = self._distance(fitted.mean(axis=0))
        return SynthesisMatch(
            self.family, population, fitted, tuple(distances), distance, precision, tuple(rounds), contents
        )

    def _name(self, title: str) -> str:
        return f"{title} {self.family.name}"

    def _distance(self, expected: np.ndarray) -> float:
        """Return the distance of mean measures ``[k]`` in standard deviations of one photo, root mean square."""
        difference = (self.photos.mean(axis=0) - expected) / (self.photos.std(axis=0) + _LEAST_STD)
        return float(np.sqrt(np.square(difference).mean()))

    def _synthesised(
        self, units: np.ndarray, owners: np.ndarray, key: int, contents: Contents, description: str
    ) -> DegradedSamples:
        """Degrade clean crops as the photos `owners` might have been, the heavier ones more often, and measure them."""
        crops = crops_in(self.clean)
        places = weighted_crops(numpy_rng(key, "pictures"), contents.weights, len(units))
        samples = [
            SyntheticSample(crops[place], unit, derive(key, number), self.compressions[owner])
            for number, (place, unit, owner) in enumerate(zip(places, units, owners, strict=True))
        ]
        measures = synthesise(samples, self.family, workers=self.workers, description=description)
        return DegradedSamples(units, as_array(self.names, measures), places, contents.weights[places])


@dataclass(frozen=True)
class _Step:
    """Where a search was: numbers of the photos, and the mean measures ``[k]`` of pictures with these numbers."""

    population: Population
    expected: np.ndarray
