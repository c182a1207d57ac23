"""Verdicts: the grade of a distance, given the baselines, and a sentence that states it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from patina.fidelity.baselines import BASELINES, GAUSSIAN, POISSON_GAUSSIAN, REAL
from patina.fidelity.properties import CLASSIFIER, Measure
from patina.fidelity.reference import Scores

REACHED = 1.5
"""A distance up to this multiple of the one between real images counts as real."""

CLOSER = 0.9
"""Closer than fitted noise means at most this fraction of its distance."""

Grade = Literal["real", "better", "no better", "unclear"]


@dataclass(frozen=True)
class Finding:
    """The distance by one measure beside the baselines.

    Attributes:
        key, title, unit, meaning, definition: of the measure.
        distance: distance of the generated images from the real ones.
        baselines: the same distance of every baseline.
        grade: "real", as close as real images are to each other; "better", closer than fitted noise; "no better",
            neither; "unclear", the measure is blind here or has no value.
        sentence: the verdict.
        noise_passes: whether fitted noise is as close as real images are to each other, too.
        intervals: confidence intervals of an accuracy, of the generated images and the baselines, in percent.
    """

    key: str
    title: str
    unit: str
    meaning: str
    definition: str
    distance: float
    baselines: dict[str, float]
    grade: Grade
    sentence: str
    noise_passes: bool = False
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)


def grade(measure: Measure, scores: Scores, baselines: Mapping[str, Scores], difference: str) -> Finding:
    """Grade a set by one measure.

    Args:
        measure: one of `MEASURES`.
        scores: scores of the set.
        baselines: scores of the baselines.
        difference: clause that says what differs, used where something does.
    """
    scale = _Scale(measure, baselines)
    intervals = {"generated": scores.interval} | {name: baselines[name].interval for name in baselines}
    return Finding(
        measure.key, measure.title, measure.unit, measure.meaning, measure.definition, scores.distances[measure.key],
        baselines={name: baselines[name].distances[measure.key] for name in BASELINES},
        grade=scale.grade(scores),
        sentence=_sentence(scale, scores, difference),
        noise_passes=scale.passes(scale.noise),
        intervals=intervals if measure is CLASSIFIER else {},
    )  # fmt: skip


class _Scale:
    """Grades the distances of one measure.

    Args:
        measure: the measure.
        baselines: scores of the baselines.
    """

    def __init__(self, measure: Measure, baselines: Mapping[str, Scores]):
        self.measure = measure
        self.real = baselines[REAL]
        self.noise = min((baselines[name] for name in (GAUSSIAN, POISSON_GAUSSIAN)), key=self.distance)

    def distance(self, scores: Scores) -> float:
        """Return the distance from real images."""
        return self.measure.excess(scores.distances[self.measure.key])

    def passes(self, scores: Scores) -> bool:
        """Return whether a set is about as close to real images as these are to each other."""
        chance = self.measure is CLASSIFIER and scores.interval[0] <= self.measure.zero
        return chance or self.distance(scores) <= max(REACHED * self.distance(self.real), self.measure.tolerance)

    def grade(self, scores: Scores) -> Grade:
        """Grade a set; it passes only if the measure could have failed it."""
        if not np.isfinite(scores.distances[self.measure.key]):
            return "unclear"
        own, noise = self.distance(scores), self.distance(self.noise)
        if not self.passes(scores):
            return "better" if own < CLOSER * noise else "no better"
        sees = not self.passes(self.noise)
        if self.measure is CLASSIFIER:
            return "real" if sees and self.noise.distances[self.measure.key] > scores.interval[1] else "unclear"
        return "unclear" if not sees and own > max(REACHED * noise, self.measure.tolerance) else "real"


def _sentence(scale: _Scale, scores: Scores, difference: str) -> str:
    """State the verdict; where something differs, say what."""
    measure, verdict = scale.measure, scale.grade(scores)
    distance, noise = scores.distances[measure.key], scale.noise.distances[measure.key]
    if not np.isfinite(distance):
        return "Cannot be measured here."
    if verdict not in ("real", "unclear"):
        return f"{difference[0].upper()}{difference[1:]}."
    begin = "Matches real images" if verdict == "real" else "Inconclusive"
    if measure is CLASSIFIER:
        return f"{begin}: {difference}, fitted noise {noise:.0f} %."
    away = f"{distance:.2f} {measure.unit}".rstrip()
    if verdict == "unclear":
        return f"{begin}: {away} from real images, but fitted noise only {noise:.2f}."
    also = f"; fitted noise matches, too, at {noise:.2f}" if scale.passes(scale.noise) else ""
    return f"{begin}: {away} from them, they are {scale.real.distances[measure.key]:.2f} from each other{also}."
