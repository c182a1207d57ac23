"""Verdicts: the grade of a distance, given the baselines, and a sentence that states it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from patina.fidelity.baselines import BASELINES, GAUSSIAN, POISSON_GAUSSIAN
from patina.fidelity.properties import CLASSIFIER, Measure
from patina.fidelity.reference import Reference, Scores

CLOSER = 0.9
"""Closer than the Gaussian baselines means at most this fraction of the nearer one's distance."""

Grade = Literal["real", "better", "no better", "unclear"]


@dataclass(frozen=True)
class Finding:
    """The distance by one measure beside the baselines.

    Attributes:
        key, title, unit, meaning, definition: of the measure.
        distance: distance of the generated images from the real ones.
        baselines: the same distance of every baseline.
        limit: largest excess over "no difference" that chance alone gives between real images.
        grade: "real", within this limit; "better", closer than the Gaussian baselines; "no better",
            neither; "unclear", the measure is blind here or has no value.
        sentence: the verdict.
        noise_passes: whether a Gaussian baseline with noise is within the limit, too.
        has_noise: whether the Gaussian baselines have noise; without it, they are the clean images as they are.
        intervals: confidence intervals of an accuracy, of the generated images and the baselines, in percent.
    """

    key: str
    title: str
    unit: str
    meaning: str
    definition: str
    distance: float
    baselines: dict[str, float]
    limit: float
    grade: Grade
    sentence: str
    noise_passes: bool = False
    has_noise: bool = True
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)


def grade(measure: Measure, scores: Scores, reference: Reference, difference: str) -> Finding:
    """Grade a set by one measure.

    Args:
        measure: one of `MEASURES`.
        scores: scores of the set.
        reference: the real images and the baselines.
        difference: clause that says what differs, used where something does.
    """
    scale, baselines = _Scale(measure, reference), reference.baselines
    intervals = {"generated": scores.interval} | {name: baselines[name].interval for name in baselines}
    return Finding(
        measure.key, measure.title, measure.unit, measure.meaning, measure.definition, scores.distances[measure.key],
        baselines={name: baselines[name].distances[measure.key] for name in BASELINES},
        limit=scale.limit,
        grade=scale.grade(scores),
        sentence=_sentence(scale, scores, difference),
        noise_passes=scale.noise_passes,
        has_noise=reference.is_noisier,
        intervals=intervals if measure is CLASSIFIER else {},
    )  # fmt: skip


class _Scale:
    """Grades the distances of one measure.

    Args:
        measure: the measure.
        reference: the real images and the baselines.
    """

    def __init__(self, measure: Measure, reference: Reference):
        self.measure, self.reference = measure, reference
        self.limit = reference.limits[measure.key]
        noises = (reference.baselines[name] for name in (GAUSSIAN, POISSON_GAUSSIAN))
        self.noise = min(noises, key=self.distance)

    def distance(self, scores: Scores) -> float:
        """Return the distance from real images."""
        return self.measure.excess(scores.distances[self.measure.key])

    def passes(self, scores: Scores) -> bool:
        """Return whether a set is as close to real images as these are to each other by chance."""
        chance = self.measure is CLASSIFIER and scores.interval[0] <= self.measure.zero
        return chance or self.distance(scores) <= self.limit

    @property
    def noise_passes(self) -> bool:
        """Whether a Gaussian baseline that has noise is as close to real images as these are to each other."""
        return self.reference.is_noisier and self.passes(self.noise)

    def grade(self, scores: Scores) -> Grade:
        """Grade a set. The classifier passes a set only if it fails another one, a baseline or the clean images."""
        if not np.isfinite(scores.distances[self.measure.key]):
            return "unclear"
        if not self.passes(scores):
            return "better" if self.distance(scores) < CLOSER * self.distance(self.noise) else "no better"
        seen = self.measure is not CLASSIFIER or any(self._sees(control, scores) for control in self._controls())
        return "real" if seen else "unclear"

    def _controls(self) -> Iterator[Scores]:
        yield self.noise
        yield self.reference.clean_scores

    def _sees(self, control: Scores, scores: Scores) -> bool:
        return not self.passes(control) and control.distances[self.measure.key] > scores.interval[1]


def _sentence(scale: _Scale, scores: Scores, difference: str) -> str:
    """State the verdict; where something differs, say what."""
    measure, verdict, limit = scale.measure, scale.grade(scores), scale.limit
    distance, noise = scores.distances[measure.key], scale.noise.distances[measure.key]
    if not np.isfinite(distance):
        return "Cannot be measured here."
    if verdict not in ("real", "unclear"):
        return f"{difference[0].upper()}{difference[1:]}."
    begin = "Matches real images" if verdict == "real" else "Inconclusive"
    if measure is CLASSIFIER:
        baseline = "Gaussian baseline" if scale.reference.is_noisier else "clean images"
        return f"{begin}: {difference}, {baseline} {noise:.0f} %."
    away = f"{distance:.2f} {measure.unit}".rstrip()
    also = f"; a Gaussian baseline matches, too, at {noise:.2f}" if scale.noise_passes else ""
    return f"{begin}: {away} from them, they are up to {limit:.2f} from each other by chance{also}."
