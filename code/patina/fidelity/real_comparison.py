"""Generated pictures held against real ones, beside the yardsticks of the same run."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from patina.degradations.base import Degradation
from patina.errors import PatinaError
from patina.fidelity.baselines import (
    GAUSSIAN,
    POISSON_GAUSSIAN,
    REAL,
    degraded,
    fitted_noises,
    halves,
    moved_residuals,
)
from patina.fidelity.profile import Profile, profile_of
from patina.fidelity.properties import UNPAIRED
from patina.fidelity.samples import Shot
from patina.metrics.residuals import akld, histogram, kl_divergence, local_variance
from patina.metrics.two_sample import two_sample_test
from patina.seeding import derive

YARDSTICKS = (REAL, GAUSSIAN, POISSON_GAUSSIAN)
REACHED = 1.5
"""A distance up to this many times the one between real pictures is as good as real."""

CLOSER = 0.9
"""Closer than fitted noise is what has at most this share of its distance."""

JUDGED = "two_sample"
CHANCE = 0.5
SPLITS = 4
"""Ways to halve the sets; distances are means over them."""

Grade = Literal["real", "better", "no better", "unclear"]
Parts = list[tuple[Profile, Profile]]
"""The profiles of a set's two halves, for every way to halve it."""


@dataclass(frozen=True)
class Scores:
    """The distances of one set of pictures from the real ones.

    Attributes:
        distances: by the keys of `MEASURES`; a two-sample accuracy in percent stands among them.
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
        grade: as close as real pictures are to each other, at least closer than fitted noise, or neither; unclear
            where the measure is blind here or gave no number.
        sentence: the verdict.
        noise_passes: whether fitted noise is as close as real pictures are to each other, too.
        intervals: where the distance is an accuracy, the confidence intervals of the generated pictures and of the
            yardsticks, in percent.
    """

    key: str
    title: str
    unit: str
    explanation: str
    distance: float
    yardsticks: dict[str, float]
    grade: Grade
    sentence: str
    noise_passes: bool = False
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)


MEASURES = {each.key: (each.title, each.unit, each.explanation, each.rounding) for each in UNPAIRED} | {
    JUDGED: (
        "Classifier", "%", "held-out patches that a small network gets right; 50 is indistinguishable", 1.0
    ),
    "kl": ("Histogram", "nats", "KL divergence of the residuals' histograms", 0.005),
    "akld": ("Local strength", "nats", "average KL divergence of local Gaussians (AKLD)", 0.01),
}  # fmt: skip
"""Title, unit, explanation and rounding of every measure by key; the last two need true pairs."""


class Reference:
    """The real pictures, measured once, and the yardsticks.

    Sets are compared by halves: one half of the generated pictures with the other half of the real ones. So every
    distance is between as many pictures of other content, that of real pictures from each other too.

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
        self.parts = self._parts(real)
        self.noises = fitted_noises(clean, real, paired=paired)

    @cached_property
    def profile(self) -> Profile:
        """What the real pictures are like."""
        return profile_of(self.real, self.seed)

    @property
    def half_profiles(self) -> tuple[Profile, Profile]:
        """The same of two halves of them."""
        return self.parts[0]

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

    def _parts(self, shots: Sequence[Shot]) -> Parts:
        both = [halves(shots, derive(self.seed, "split", index)) for index in range(SPLITS)]
        return [tuple(profile_of(half, self.seed) for half in pair) for pair in both]

    def _distances(self, parts: Parts) -> dict[str, float]:
        """Return the mean distances of halves of a set from the other halves of the real one."""
        pairs = [
            pair
            for (first, second), (real_first, real_second) in zip(parts, self.parts, strict=True)
            for pair in ((first, real_second), (second, real_first))
        ]
        return {each.key: _finite_mean([each.distance(*pair) for pair in pairs]) for each in UNPAIRED}

    def scores(self, generated: Sequence[Shot], profile: Profile | None = None) -> Scores:
        """Measure a degradation of the clean pictures, in their order.

        Raises:
            PatinaError: a picture differs in size from its clean one.
        """
        _require_pairs(self.clean, generated)
        profile = profile or profile_of(generated, self.seed)
        paired = [a.pixels - b.pixels for a, b in zip(generated, self.clean, strict=True)] if self.paired else None
        return self._scored(self._parts(generated), (profile, self.profile), paired)

    def _real_against_real(self) -> Scores:
        moved = moved_residuals(self.clean, self.real, self.seed) if self.paired else None
        return self._scored(self.parts, self.half_profiles, moved)

    def _scored(self, parts: Parts, judged: tuple[Profile, Profile], residuals: Sequence[np.ndarray] | None) -> Scores:
        """Measure halves of a set, the sets that the classifier is to tell apart, and residuals where there are."""
        first, second = (profile.patches for profile in judged)
        told = two_sample_test(first, second, seed=self.seed, steps=self.judge_steps)
        distances = self._distances(parts) | (self._paired(residuals) if residuals is not None else {})
        return Scores({**distances, JUDGED: 100 * told.accuracy}, (100 * told.low, 100 * told.high))

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
    words = {each.key: each.words(profile, reference.profile) for each in UNPAIRED}
    words[JUDGED] = "a small network tells them apart in {:.0f} % of all cases ({:.0f} to {:.0f})".format(
        scores.distances[JUDGED], *scores.interval
    )
    if reference.paired:
        words |= _residual_words(generated, reference)
    findings = [_finding(key, scores, reference, words[key]) for key in MEASURES if key in scores.distances]
    return Comparison(scores, profile, findings)


def _residual_words(generated: Sequence[Shot], reference: Reference) -> dict[str, str]:
    """Say how residuals differ from the true ones: in all, and in how their strength changes from place to place."""
    spread, unrest = [], []
    for shots in (generated, reference.real):
        residuals = [shot.pixels - clean.pixels for shot, clean in zip(shots, reference.clean, strict=True)]
        spread.append(float(np.sqrt(np.mean([np.square(each).mean() for each in residuals]))))
        unrest.append(float(np.mean([np.log(local_variance(each) + 1.0).std() / 2 for each in residuals])))
    narrow, even = ("narrow" if spread[0] < spread[1] else "wide"), ("evenly" if unrest[0] < unrest[1] else "unevenly")
    return {
        "kl": f"residuals spread too {narrow}: deviation {spread[0]:.2f} against {spread[1]:.2f} of 255",
        "akld": f"strength changes too {even} from place to place: "
        f"by a factor of {np.exp(unrest[0]):.2f} against {np.exp(unrest[1]):.2f}",
    }


def _finding(key: str, scores: Scores, reference: Reference, words: str) -> Finding:
    title, unit, explanation, rounding = MEASURES[key]
    scale = _Scale(key, reference.yardsticks, rounding)
    intervals = {"generated": scores.interval} | {name: each.interval for name, each in reference.yardsticks.items()}
    return Finding(
        key, title, unit, explanation, scores.distances[key],
        yardsticks={name: reference.yardsticks[name].distances[key] for name in YARDSTICKS},
        grade=scale.grade(scores),
        sentence=_sentence(scale, scores, words),
        noise_passes=scale.passes(scale.noise),
        intervals=intervals if key == JUDGED else {},
    )  # fmt: skip


class _Scale:
    """What a measure's distances are graded by.

    Args:
        key: of the measure.
        yardsticks: their distances.
        rounding: a distance up to this is none.
    """

    def __init__(self, key: str, yardsticks: dict[str, Scores], rounding: float):
        self.key, self.rounding = key, rounding
        self.zero = 100 * CHANCE if key == JUDGED else 0.0
        self.real = yardsticks[REAL]
        self.noise = min((yardsticks[name] for name in (GAUSSIAN, POISSON_GAUSSIAN)), key=self.distance)

    def distance(self, scores: Scores) -> float:
        """Return a distance; an accuracy counts from chance on."""
        return max(scores.distances[self.key] - self.zero, 0.0)

    def passes(self, scores: Scores) -> bool:
        """Say whether a set is about as close to real pictures as these are to each other."""
        chance = self.key == JUDGED and scores.interval[0] <= self.zero
        return chance or self.distance(scores) <= max(REACHED * self.distance(self.real), self.rounding)

    def grade(self, scores: Scores) -> Grade:
        """Grade a set; what passes must do so by a measure that is able to fail it."""
        if not np.isfinite(scores.distances[self.key]):
            return "unclear"
        own, noise = self.distance(scores), self.distance(self.noise)
        if not self.passes(scores):
            return "better" if own < CLOSER * noise else "no better"
        told = not self.passes(self.noise)
        if self.key == JUDGED:
            return "real" if told and self.noise.distances[self.key] > scores.interval[1] else "unclear"
        return "unclear" if not told and own > max(REACHED * noise, self.rounding) else "real"


def _sentence(scale: _Scale, scores: Scores, words: str) -> str:
    """Say the verdict: what differs, where something does."""
    title, unit, *_ = MEASURES[scale.key]
    grade, distance, noise = scale.grade(scores), scores.distances[scale.key], scale.noise.distances[scale.key]
    if not np.isfinite(distance):
        return f"{title} cannot be measured here."
    if grade not in ("real", "unclear"):
        return f"{words[0].upper()}{words[1:]}."
    if scale.key == JUDGED:
        begin = "As in real pictures" if grade == "real" else "The classifier cannot tell"
        return f"{begin}: {words}, fitted noise in {noise:.0f} %."
    unit = f" {unit}" if unit else ""
    if grade == "unclear":
        return f"{title} cannot tell: {distance:.2f}{unit} from real pictures, fitted noise only {noise:.2f}."
    real = scale.real.distances[scale.key]
    also = f", but so is fitted noise with {noise:.2f}" if scale.passes(scale.noise) else ""
    return f"{title} as in real pictures: {distance:.2f}{unit} from them, they from each other {real:.2f}{also}."


def _finite_mean(values: Sequence[float]) -> float:
    """Return the mean of what could be measured, NaN where nothing could."""
    finite = [value for value in values if np.isfinite(value)]
    return float(np.mean(finite)) if finite else float("nan")


def _require_pairs(clean: Sequence[Shot], other: Sequence[Shot]) -> None:
    for one, two in zip(clean, other, strict=True):
        if one.name != two.name or one.pixels.shape != two.pixels.shape:
            raise PatinaError(
                f"{two.name} has {two.pixels.shape[1]}x{two.pixels.shape[0]} pixels and its clean picture {one.name} "
                f"{one.pixels.shape[1]}x{one.pixels.shape[0]}; expected the same picture in the same size, or "
                "-scale where generated ones are smaller"
            )
