"""How real a degradation looks: its scores, its profile and a verdict by every measure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from patina.fidelity import descriptions
from patina.fidelity.grading import Finding, grade
from patina.fidelity.measured_samples import statistics_of
from patina.fidelity.profile import Profile, joint_profile
from patina.fidelity.properties import CLASSIFIER, MEASURES, PROPERTIES, RESIDUAL_PROPERTIES
from patina.fidelity.reference import Reference, Scores
from patina.fidelity.samples import Sample


@dataclass(frozen=True)
class Assessment:
    """What was measured of a degradation, and the verdicts.

    Attributes:
        scores: its distances.
        profile: profile of its images.
        findings: one for every measure, in the order of `MEASURES`.
    """

    scores: Scores
    profile: Profile
    findings: list[Finding] = field(default_factory=list)


def assess(generated: Sequence[Sample], reference: Reference) -> Assessment:
    """Measure degraded clean images of the reference, and describe what is right and wrong with them."""
    images = statistics_of(generated, reference.seed)
    profile, scores = joint_profile(images), reference.scores(images)
    differences = {item.key: item.describe(profile, reference.profile) for item in PROPERTIES}
    differences[CLASSIFIER.key] = descriptions.classifier(scores.distances[CLASSIFIER.key], scores.interval)
    if reference.paired:
        residuals, real = (reference.residuals(samples) for samples in (generated, reference.real))
        differences |= {item.key: item.describe(residuals, real) for item in RESIDUAL_PROPERTIES}
    findings = [
        grade(measure, scores, reference, differences[key])
        for key, measure in MEASURES.items()
        if key in scores.distances
    ]
    return Assessment(scores, profile, findings)
