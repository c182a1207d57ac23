"""The report: one self-contained HTML page that shows degraded images beside real ones, and all measurements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from patina.fidelity.assessment import Assessment
from patina.fidelity.baselines import GAUSSIAN, POISSON_GAUSSIAN, REAL
from patina.fidelity.crops import paired_crops, quiet_crops
from patina.fidelity.curves import (
    Figure,
    correlation_maps,
    profile_figures,
    residual_figure,
    training_figures,
)
from patina.fidelity.grading import Finding
from patina.fidelity.page_frame import embedded, render_page, strip_marks
from patina.fidelity.profile import Profile
from patina.fidelity.properties import MEASURES
from patina.fidelity.reference import Reference
from patina.fidelity.samples import Sample

GRADES = {
    "real": ("good", "matches real", "match real images"),
    "better": ("fair", "closer than {}", "closer than {}"),
    "no better": ("poor", "no closer than {}", "no closer than {}"),
    "unclear": ("unknown", "inconclusive", "inconclusive"),
}
"""CSS class, label of one property, and label of their count, by grade; ``{}`` stands for the Gaussian baselines."""

UNMEASURED = "cannot be measured"
CLEAN = "clean images"
MARKS = {REAL: "real", GAUSSIAN: "gaussian", POISSON_GAUSSIAN: "poisson", CLEAN: "gaussian"}


@dataclass(frozen=True)
class Provenance:
    """Everything needed to make a report again.

    Attributes:
        name: name of the degradation.
        command: the command line.
        facts: names and values to list.
        config: configuration of the training, YAML; empty if unknown.
        log: lines of the training's log.
        notes: sentences that a reader has to know about the images.
    """

    name: str
    command: str
    facts: Sequence[tuple[str, str]]
    config: str = ""
    log: Sequence[Mapping[str, Any]] = field(default_factory=list)
    notes: Sequence[str] = ()


def render(assessment: Assessment, generated: Sequence[Sample], reference: Reference, provenance: Provenance) -> str:
    """Return the page as HTML that needs no other file.

    Args:
        assessment: what was measured.
        generated: the degraded images, in the order of the reference's clean ones.
        reference: what they were compared with.
        provenance: provenance of the images.
    """
    findings = assessment.findings
    counts = {grade: sum(finding.grade == grade for finding in findings) for grade in GRADES}
    baselines = _baselines(findings)
    listed = [grade for grade in GRADES if counts[grade] or grade != "unclear"]
    page = {
        "name": provenance.name,
        "headline": headline(findings),
        "grades": [
            {"style": GRADES[grade][0], "label": GRADES[grade][2].format(baselines), "count": counts[grade]}
            for grade in listed
        ],
        "made": "generated",
        "summary": _summary(assessment.profile, reference.profile),
        "pairing": _pairing(reference),
        "notes": provenance.notes,
        "paired": reference.paired,
        "has_noise": all(finding.has_noise for finding in findings),
        "crops": _crops(generated, reference),
        "verdicts": [_verdict(finding) for finding in findings],
        "figures": _figures(assessment, generated, reference),
        "maps": correlation_maps(assessment.profile, reference),
        "channels": _channels(assessment.profile, reference),
        "training": training_figures(provenance.log),
        "command": provenance.command,
        "facts": provenance.facts,
        "config": provenance.config,
        "config_title": "Configuration",
    }
    return render_page(page, "page.html")


def headline(findings: Sequence[Finding]) -> str:
    """Sum up all verdicts in one sentence."""
    matching, better = (sum(finding.grade == grade for finding in findings) for grade in ("real", "better"))
    conclusive = sum(finding.grade != "unclear" for finding in findings)
    if matching == conclusive > 0:
        which = "every property" if conclusive == len(findings) else "every conclusive property"
        return f"By {which}, generated images are as close to real ones as these are to each other."
    worst, unclear = (
        [lower_title(finding.title) for finding in findings if finding.grade == grade]
        for grade in ("no better", "unclear")
    )
    easy = sum(finding.grade == "real" and finding.noise_passes for finding in findings)
    parts = [f"{matching} of {conclusive} properties {'matches' if matching == 1 else 'match'} real images"]
    parts[0] += f" (a Gaussian baseline also matches in {easy} of them)" if easy else ""
    baselines = f"the {_baselines(findings)}"
    parts += [f"{better} more {_are(better)} closer than {baselines}"] if better else []
    parts += [f"{_listed(worst)} {_are(len(worst))} no closer than {baselines}"] if worst else []
    parts += [f"inconclusive: {_listed(unclear)}"] if unclear else []
    return f"{'; '.join(parts)}."


def lower_title(title: str) -> str:
    """Return a title as it is written within a sentence; acronyms such as JPEG keep their capitals."""
    return title if title[:2].isupper() else title[0].lower() + title[1:]


def _baselines(findings: Sequence[Finding]) -> str:
    """Return what the Gaussian baselines are called: without noise they are the clean images."""
    return "Gaussian baselines" if all(finding.has_noise for finding in findings) else "clean images"


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]


def _are(count: int) -> str:
    return "are" if count > 1 else "is"


def _summary(profile: Profile, real: Profile) -> str:
    names = ("std", "neighbour_correlation", "channel_correlation")
    std, neighbours, channels = ([_decimals(getattr(found, name)) for found in (profile, real)] for name in names)
    return (
        f"In quiet places, the standard deviation of the generated noise is {std[0]} on a scale of 0 to 255 (real: "
        f"{std[1]}). The noise of neighbouring pixels correlates by {neighbours[0]} (real: {neighbours[1]}), that of "
        f"the colour channels by {channels[0]} (real: {channels[1]})."
    )


def _decimals(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "–"


def _pairing(reference: Reference) -> str:
    if reference.paired:
        return "The real images show the same content as the clean ones, so residuals can be compared."
    return (
        "The real images show other content than the clean ones. Noise is therefore compared where images are quiet, "
        "and the crops here show quiet places of similar colour."
    )


def _crops(generated: Sequence[Sample], reference: Reference) -> list[dict[str, str]]:
    choose = paired_crops if reference.paired else quiet_crops
    return [embedded(crop) for crop in choose(reference.clean, generated, reference.real)]


def _verdict(finding: Finding) -> dict[str, Any]:
    style, label, _ = GRADES[finding.grade]
    unit = f" {finding.unit}" if finding.unit and np.isfinite(finding.distance) else ""
    baselines = ", ".join(f"{name} {_number(value)}" for name, value in _without_noise(finding).items())
    return {
        "style": style,
        "label": label.format(_baselines([finding])),
        "title": finding.title,
        "meaning": finding.meaning,
        "sentence": finding.sentence,
        "definition": f"{finding.definition[0].upper()}{finding.definition[1:]}.",
        "numbers": f"generated {_number(finding.distance)}{unit}; {baselines}",
        "marks": _marks(finding),
    }


def _marks(finding: Finding) -> list[dict[str, Any]]:
    """Place every known distance on the bar."""
    zero = MEASURES[finding.key].zero
    values = {MARKS[name]: value for name, value in _without_noise(finding).items()} | {"generated": finding.distance}
    return strip_marks({style: abs(value - zero) for style, value in values.items()})


def _without_noise(finding: Finding) -> dict[str, float]:
    """Return the distances of the baselines; both Gaussian ones are the clean images where these have no noise."""
    if finding.has_noise:
        return finding.baselines
    return {REAL: finding.baselines[REAL], CLEAN: finding.baselines[GAUSSIAN]}


def _profiles(generated: Profile, reference: Reference) -> dict[str, Profile]:
    noisy = reference.noisy_profiles if reference.is_noisier else {"clean": reference.noisy_profiles[GAUSSIAN]}
    return {"generated": generated, "real": reference.profile, **noisy}


def _number(value: float) -> str:
    if not np.isfinite(value):
        return UNMEASURED
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.3f}"


def _figures(assessment: Assessment, generated: Sequence[Sample], reference: Reference) -> list[Figure]:
    profiles = _profiles(assessment.profile, reference)
    figures = profile_figures(profiles, reference.half_profiles)
    if reference.paired:
        sets = {"generated": generated, "real": reference.real, **reference.noisy}
        figures.append(residual_figure({name: reference.residuals(samples) for name, samples in sets.items()}))
    return figures


def _channels(profile: Profile, reference: Reference) -> dict[str, Any]:
    rows = []
    profiles = _profiles(profile, reference)
    for name, found in profiles.items():
        std = np.sqrt(np.diag(found.covariance))
        product = np.outer(std, std)
        correlation = np.divide(found.covariance, product, out=np.full((3, 3), np.nan), where=product > 0)
        values = [*std, correlation[0, 1], correlation[1, 2], correlation[0, 2]]
        rows.append((name, [_decimals(value) for value in values]))
    return {"heads": ["R", "G", "B", "R–G", "G–B", "R–B"], "rows": rows}
