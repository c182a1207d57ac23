"""Generated pictures held against real ones, beside the yardsticks of the same run."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from patina.degradations.base import Degradation
from patina.errors import PatinaError
from patina.fidelity.profile import Profile, profile_of
from patina.fidelity.properties import UNPAIRED, Property
from patina.fidelity.shots import Shot
from patina.fidelity.yardsticks import (
    GAUSSIAN,
    POISSON_GAUSSIAN,
    REAL,
    degraded,
    fitted_noises,
    halves,
    moved_residuals,
)
from patina.metrics.residuals import akld, histogram, kl_divergence
from patina.metrics.two_sample import TwoSampleResult, two_sample_test

YARDSTICKS = (REAL, GAUSSIAN, POISSON_GAUSSIAN)
REACHED = 1.5
"""A distance up to this many times the one between real pictures is as good as real."""

CLOSER = 0.9
"""Closer than fitted noise is what has at most this share of its distance."""

CHANCE = 0.5
Grade = Literal["real", "better", "no better"]


@dataclass(frozen=True)
class Scores:
    """The distances of one set of pictures from the real ones.

    Attributes:
        distances: by the keys of `TITLES`; a two-sample accuracy in percent stands among them.
        interval: the accuracy's confidence interval in percent.
    """

    distances: dict[str, float]
    interval: tuple[float, float]


@dataclass(frozen=True)
class Finding:
    """One property's distance beside its yardsticks.

    Attributes:
        key, title, unit, explanation: of the property.
        distance: of the generated pictures from the real ones.
        yardsticks: the same distance of each of `YARDSTICKS`.
        grade: as close as real pictures are to each other, at least closer than fitted noise, or neither.
        sentence: the verdict.
    """

    key: str
    title: str
    unit: str
    explanation: str
    distance: float
    yardsticks: dict[str, float]
    grade: Grade
    sentence: str


MEASURES = {each.key: (each.title, each.unit, each.explanation, each.rounding) for each in UNPAIRED} | {
    "two_sample": (
        "Classifier", "%", "held-out patches that a small network gets right; 50 is indistinguishable", 1.0
    ),
    "kl": ("Histogram", "nats", "KL divergence of the residuals' histograms", 0.005),
    "akld": ("Local strength", "nats", "average KL divergence of local Gaussians (AKLD)", 0.01),
}  # fmt: skip
"""Title, unit, explanation and rounding of every measure by key; the last two need true pairs."""

PAIRED = ("kl", "akld")


class Reference:
    """The real pictures, measured once, and the yardsticks.

    Args:
        clean: pictures that degradations are put on.
        real: real pictures; in pairs the same ones in the same order.
        paired: whether they show the same.
        seed: of patches, noise and classifiers.
        judge_steps: training steps of every classifier.

    Raises:
        PatinaError: too few pictures, or real ones that are not noisier than the clean ones.
    """

    def __init__(
        self, clean: Sequence[Shot], real: Sequence[Shot], *, paired: bool, seed: int = 0, judge_steps: int = 200
    ):
        self.clean, self.real, self.paired = clean, real, paired
        self.seed, self.judge_steps = seed, judge_steps
        if paired:
            _require_pairs(clean, real)
        self.halves = halves(real)
        self.noises = fitted_noises(clean, real, paired=paired)

    @cached_property
    def profile(self) -> Profile:
        """What the real pictures are like."""
        return profile_of(self.real, self.seed)

    @cached_property
    def half_profiles(self) -> tuple[Profile, Profile]:
        """The same of two halves of them."""
        return tuple(profile_of(half, self.seed) for half in self.halves)

    @cached_property
    def noisy(self) -> dict[str, list[Shot]]:
        """The clean pictures with each fitted noise."""
        return {name: self._degraded(noise) for name, noise in self.noises.items()}

    @cached_property
    def noisy_profiles(self) -> dict[str, Profile]:
        """What these are like."""
        return {name: profile_of(shots, self.seed) for name, shots in self.noisy.items()}

    @cached_property
    def yardsticks(self) -> dict[str, Scores]:
        """The yardsticks' distances."""
        scores = {REAL: self._real_against_real()}
        return scores | {name: self.scores(shots, self.noisy_profiles[name]) for name, shots in self.noisy.items()}

    def scores(self, generated: Sequence[Shot], profile: Profile | None = None) -> Scores:
        """Measure a degradation of the clean pictures, in their order.

        Raises:
            PatinaError: a picture differs in size from its clean one.
        """
        _require_pairs(self.clean, generated)
        profile = profile or profile_of(generated, self.seed)
        distances = {each.key: each.distance(profile, self.profile) for each in UNPAIRED}
        judged = self._judged(profile, self.profile)
        if self.paired:
            distances |= self._paired([a.pixels - b.pixels for a, b in zip(generated, self.clean, strict=True)])
        return Scores({**distances, "two_sample": 100 * judged.accuracy}, (100 * judged.low, 100 * judged.high))

    def _real_against_real(self) -> Scores:
        first, second = self.half_profiles
        judged = self._judged(first, second)
        distances = {each.key: each.distance(first, second) for each in UNPAIRED}
        if self.paired:
            distances |= self._paired(moved_residuals(self.clean, self.real, self.seed))
        return Scores({**distances, "two_sample": 100 * judged.accuracy}, (100 * judged.low, 100 * judged.high))

    def _judged(self, profile: Profile, real: Profile) -> TwoSampleResult:
        return two_sample_test(profile.patches, real.patches, seed=self.seed, steps=self.judge_steps)

    def _paired(self, residuals: Sequence[np.ndarray]) -> dict[str, float]:
        """Compare residuals with the true ones; those may be cut at the right and at the bottom."""
        true = [
            (real.pixels - clean.pixels)[: each.shape[0], : each.shape[1]]
            for each, real, clean in zip(residuals, self.real, self.clean, strict=True)
        ]
        counts = [sum(map(histogram, each)) for each in (residuals, true)]
        local = [akld(each[None], real) for each, real in zip(residuals, true, strict=True)]
        return {"kl": kl_divergence(*counts), "akld": float(np.mean(local))}

    def _degraded(self, noise: Degradation) -> list[Shot]:
        return degraded(self.clean, noise, self.seed)


@dataclass(frozen=True)
class Comparison:
    """A degradation measured: its scores, what it is like, and the verdicts.

    Attributes:
        scores: its distances.
        profile: of its pictures.
        findings: one for each measure, in the order of `MEASURES`.
    """

    scores: Scores
    profile: Profile
    findings: list[Finding] = field(default_factory=list)


def compare(generated: Sequence[Shot], reference: Reference) -> Comparison:
    """Measure a degradation of the reference's clean pictures and say what it gets right and wrong."""
    profile = profile_of(generated, reference.seed)
    scores = reference.scores(generated, profile)
    words = {each.key: _words(each, profile, reference.profile) for each in UNPAIRED}
    words |= {
        "two_sample": "a small network tells them apart in {:.0f} % of all cases ({:.0f} to {:.0f})".format(
            scores.distances["two_sample"], *scores.interval
        ),
        "kl": "the residuals' histogram differs by {kl:.3f} nats".format(**scores.distances)
        if reference.paired
        else "",
        "akld": "local strength differs by {akld:.3f} nats".format(**scores.distances) if reference.paired else "",
    }
    findings = [_finding(key, scores, reference, words[key]) for key in MEASURES if key in scores.distances]
    return Comparison(scores, profile, findings)


def _finding(key: str, scores: Scores, reference: Reference, words: str) -> Finding:
    title, unit, explanation, rounding = MEASURES[key]
    distance = scores.distances[key]
    yardsticks = {name: reference.yardsticks[name].distances[key] for name in YARDSTICKS}
    grade = _grade(key, scores, yardsticks, rounding)
    noise = min((reference.yardsticks[name] for name in (GAUSSIAN, POISSON_GAUSSIAN)), key=lambda s: s.distances[key])
    told = _grade(key, noise, yardsticks, rounding) != "real"
    return Finding(key, title, unit, explanation, distance, yardsticks, grade, _sentence(grade, words, told))


def _sentence(grade: Grade, words: str, told: bool) -> str:
    """Say the verdict; `told` is false where fitted noise is as close as real pictures too."""
    if grade == "real":
        numbers = words.split(": ")[-1]
        return (
            f"As in real pictures: {numbers}." if told else f"As in real pictures, but so is fitted noise: {numbers}."
        )
    return f"{words[0].upper()}{words[1:]}."


def _grade(key: str, scores: Scores, yardsticks: dict[str, float], rounding: float) -> Grade:
    """Grade a distance; an accuracy counts from chance on, and is as real where it may be chance."""
    judged = key == "two_sample"
    zero = 100 * CHANCE if judged else 0.0
    own, real, *noises = (abs(value - zero) for value in (scores.distances[key], *yardsticks.values()))
    if own <= max(REACHED * real, rounding) or (judged and scores.interval[0] <= zero):
        return "real"
    return "better" if own < CLOSER * min(noises) else "no better"


def _words(each: Property, profile: Profile, real: Profile) -> str:
    return each.words(profile, real)


def _require_pairs(clean: Sequence[Shot], other: Sequence[Shot]) -> None:
    for one, two in zip(clean, other, strict=True):
        if one.name != two.name or one.pixels.shape != two.pixels.shape:
            raise PatinaError(
                f"{two.name} has {two.pixels.shape[1]}x{two.pixels.shape[0]} pixels and its clean picture {one.name} "
                f"{one.pixels.shape[1]}x{one.pixels.shape[0]}; expected the same picture in the same size"
            )
