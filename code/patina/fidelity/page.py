"""One self-contained HTML page: what a degradation looks like beside real pictures, and how it measures up."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from patina.fidelity.baselines import GAUSSIAN, POISSON_GAUSSIAN, REAL
from patina.fidelity.crops import Scene, paired_scenes, quiet_scenes
from patina.fidelity.curves import (
    Figure,
    correlation_maps,
    profile_figures,
    residual_figure,
    training_figures,
)
from patina.fidelity.profile import Profile
from patina.fidelity.real_comparison import CHANCE, JUDGED, Comparison, Finding, Reference
from patina.fidelity.samples import Shot
from patina.imaging.picture_files import png_bytes
from patina.version import __version__

GRADES = {
    "real": ("good", "as real", "as in real pictures"),
    "better": ("fair", "better than noise", "better than fitted noise"),
    "no better": ("poor", "no better than noise", "no better than fitted noise"),
    "unclear": ("unknown", "cannot tell", "cannot be told"),
}
"""Style and words, short and long, of every grade."""

UNMEASURED = "cannot be measured"
MARKS = {REAL: "real", GAUSSIAN: "gaussian", POISSON_GAUSSIAN: "poisson"}


@dataclass(frozen=True)
class Origin:
    """Where a report comes from, so that it can be made again.

    Attributes:
        name: of the degradation.
        command: the command line.
        facts: names and values to list.
        config: the configuration of its training, YAML; empty where unknown.
        log: the lines of its training's log.
        notes: what a reader has to know of the pictures, in sentences.
    """

    name: str
    command: str
    facts: Sequence[tuple[str, str]]
    config: str = ""
    log: Sequence[Mapping[str, Any]] = field(default_factory=list)
    notes: Sequence[str] = ()


def render(comparison: Comparison, generated: Sequence[Shot], reference: Reference, origin: Origin) -> str:
    """Return the page as HTML that needs no other file.

    Args:
        comparison: what was measured.
        generated: the degraded pictures, in the order of the reference's clean ones.
        reference: what they were held against.
        origin: of the pictures.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(_part("page.html"))
    findings = comparison.findings
    counts = {grade: sum(each.grade == grade for each in findings) for grade in GRADES}
    page = {
        "name": origin.name,
        "headline": headline(findings),
        "summary": _summary(comparison.profile, reference.profile),
        "truth": _truth(reference),
        "notes": origin.notes,
        "paired": reference.paired,
        "scenes": _scenes(generated, reference),
        "verdicts": [_verdict(each) for each in findings],
        "figures": _figures(comparison, generated, reference),
        "maps": correlation_maps(comparison.profile, reference),
        "channels": _channels(comparison.profile, reference),
        "training": training_figures(origin.log),
        "command": origin.command,
        "facts": origin.facts,
        "config": origin.config,
    }
    listed = [grade for grade in GRADES if counts[grade] or grade != "unclear"]
    grades = [{"style": GRADES[grade][0], "label": GRADES[grade][2], "count": counts[grade]} for grade in listed]
    return template.render(
        page=page, grades=grades, version=__version__, css=_safe(_part("page.css")), js=_safe(_part("page.js"))
    )


def headline(findings: Sequence[Finding]) -> str:
    """Say in one sentence how a degradation measures up."""
    good, better = (sum(each.grade == grade for each in findings) for grade in ("real", "better"))
    told = sum(each.grade != "unclear" for each in findings)
    if good == told > 0:
        return "By every measure that can tell, generated pictures are as close to real ones as these to each other."
    worst, unclear = (
        [lower_title(each.title) for each in findings if each.grade == grade] for grade in ("no better", "unclear")
    )
    tail = f"; {_listed(worst)} no closer than noise that needs no learning" if worst else ""
    tail += f"; of {', '.join(unclear)} nothing can be told" if unclear else ""
    beyond = f", {better} more closer to real than fitted noise" if better else ""
    easy = sum(each.grade == "real" and each.noise_passes for each in findings)
    aside = f" (fitted noise is, too, in {easy} of them)" if easy else ""
    return f"{good} of {told} properties as in real pictures{aside}{beyond}{tail}."


def lower_title(title: str) -> str:
    """Return a title within a sentence: begin with a small letter, but for names such as JPEG."""
    return title if title[:2].isupper() else title.lower()


def _listed(words: Sequence[str]) -> str:
    joined = f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]
    return f"{joined} {'are' if len(words) > 1 else 'is'}"


def _part(name: str) -> str:
    return resources.files("patina.fidelity").joinpath(name).read_text(encoding="utf-8")


def _safe(text: str) -> Markup:
    """Mark the page's own style and script, which need no escaping."""
    return Markup(text)


def _summary(profile: Profile, real: Profile) -> str:
    numbers = [(getattr(profile, name), getattr(real, name)) for name in ("deviation", "neighbours", "channels")]
    deviation, neighbours, channels = ([_hundredths(value) for value in pair] for pair in numbers)
    return (
        f"In quiet places the generated noise has a deviation of {deviation[0]} of 255, the real noise "
        f"{deviation[1]}. At one pixel's distance it goes along by {neighbours[0]}, the real by "
        f"{neighbours[1]}; from channel to channel by {channels[0]}, the real by {channels[1]}."
    )


def _hundredths(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "–"


def _truth(reference: Reference) -> str:
    if reference.paired:
        return "The real pictures show the same scenes as the clean ones, so that residuals can be compared."
    return (
        "The real pictures show other scenes than the clean ones: noise is compared where pictures are quiet, and such "
        "places of like colour stand beside each other here."
    )


def _scenes(generated: Sequence[Shot], reference: Reference) -> list[dict[str, str]]:
    choose = paired_scenes if reference.paired else quiet_scenes
    return [_shown(scene) for scene in choose(reference.clean, generated, reference.real)]


def _shown(scene: Scene) -> dict[str, str]:
    squares = {"clean": scene.clean, "generated": scene.generated, "real": scene.real}
    return {"name": scene.name} | {kind: _data(pixels) for kind, pixels in squares.items()}


def _data(square: np.ndarray) -> str:
    pixels = np.uint8(square.round().clip(0, 255))
    return "data:image/png;base64," + base64.b64encode(png_bytes(pixels)).decode()


def _verdict(finding: Finding) -> dict[str, Any]:
    style, label, _ = GRADES[finding.grade]
    unit = f" {finding.unit}" if finding.unit and np.isfinite(finding.distance) else ""
    yardsticks = ", ".join(f"{name} {_number(value)}" for name, value in finding.yardsticks.items())
    return {
        "style": style,
        "label": label,
        "title": finding.title,
        "sentence": finding.sentence,
        "explanation": f"{finding.explanation[0].upper()}{finding.explanation[1:]}.",
        "numbers": f"{_number(finding.distance)}{unit}; {yardsticks}",
        "marks": _marks(finding),
    }


def _marks(finding: Finding) -> list[dict[str, Any]]:
    """Place every distance that is known on the bar, in percent of the largest; the generated pictures' lies on top."""
    zero = 100 * CHANCE if finding.key == JUDGED else 0.0
    values = {MARKS[name]: value for name, value in finding.yardsticks.items()} | {"own": finding.distance}
    apart = {name: abs(value - zero) for name, value in values.items() if np.isfinite(value)}
    largest = max([*apart.values(), 1e-9])
    return [{"style": name, "place": round(100 * value / largest, 1)} for name, value in apart.items()]


def _number(value: float) -> str:
    if not np.isfinite(value):
        return UNMEASURED
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.3f}"


def _figures(comparison: Comparison, generated: Sequence[Shot], reference: Reference) -> list[Figure]:
    figures = profile_figures(comparison.profile, reference)
    if reference.paired:
        sets = {"generated": generated, "real": reference.real, **reference.noisy}
        pairs = {name: zip(shots, reference.clean, strict=True) for name, shots in sets.items()}
        residuals = {name: [a.pixels - b.pixels for a, b in pair] for name, pair in pairs.items()}
        figures.append(residual_figure(residuals))
    return figures


def _channels(profile: Profile, reference: Reference) -> dict[str, Any]:
    rows = []
    shown = {"generated": profile, "real": reference.profile, **reference.noisy_profiles}
    for name, each in shown.items():
        deviation = np.sqrt(np.diag(each.covariance))
        product = np.outer(deviation, deviation)
        correlation = np.divide(each.covariance, product, out=np.full((3, 3), np.nan), where=product > 0)
        values = [*deviation, correlation[0, 1], correlation[1, 2], correlation[0, 2]]
        rows.append((name, [_hundredths(value) for value in values]))
    return {"heads": ["R", "G", "B", "R–G", "G–B", "R–B"], "rows": rows}
