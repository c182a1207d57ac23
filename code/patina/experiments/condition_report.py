"""What a search for DeFlow's map h finds: the measured candidates, the recommended one, and the table."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from patina.metrics.two_sample import CHANCE, TwoSampleResult
from patina.system.yaml_files import yaml_text


@dataclass(frozen=True)
class Candidate:
    """A map h and its measurements.

    Attributes:
        name: name of the candidate.
        steps: as in a configuration.
        accuracy, low, high: the classifier accuracy and its 95 % interval; at 0.5 the domains are indistinguishable.
        content: PSNR of the best small inverse, in dB.
    """

    name: str
    steps: list[dict[str, Any]]
    accuracy: float
    low: float
    high: float
    content: float

    @property
    def hides(self) -> bool:
        """Whether the domains may be indistinguishable."""
        return self.low <= CHANCE


@dataclass(frozen=True)
class ConditionSearchResult:
    """The measurements of a search.

    Attributes:
        candidates: all of them.
        best: the recommended one.
        images: the test on the pictures themselves: what the classifier can see at all.
        control: the test on conditions of clean pictures, half of them with noise as strong as the real one: what the
            classifier can see at the size of a condition. None where that noise cannot be fitted.
    """

    candidates: Sequence[Candidate]
    best: Candidate
    images: TwoSampleResult
    control: TwoSampleResult | None

    def values(self) -> dict[str, Any]:
        """Return everything measured as plain values, for JSON."""
        return {
            "images": asdict(self.images),
            "control": asdict(self.control) if self.control else None,
            "candidates": [asdict(candidate) for candidate in self.candidates],
            "recommended": self.best.name,
        }


def recommended(found: Sequence[Candidate]) -> Candidate:
    """Return the candidate with the most content among those that may hide the domain, else the lowest accuracy."""
    hiding = [candidate for candidate in found if candidate.hides]
    if hiding:
        return max(hiding, key=lambda candidate: candidate.content)
    return min(found, key=lambda candidate: candidate.accuracy)


def blindness(images: TwoSampleResult, control: TwoSampleResult | None) -> str:
    """Say which difference the classifier missed; empty where it missed none.

    Args:
        images, control: as in `ConditionSearchResult`.
    """
    if images.low <= CHANCE:
        return "The classifier does not even distinguish the images themselves"
    if control is not None and control.low <= CHANCE:
        return "The classifier does not see noise as strong as the real one in conditions without other noise"
    return ""


def report(result: ConditionSearchResult) -> str:
    """Return the table in Markdown, and the recommendation with its lines of a configuration."""
    lines = [
        "| h | classifier accuracy (%, 95 % interval) | content kept (dB) |",
        "| --- | ---: | ---: |",
        f"| (the images themselves) | {_accuracy(result.images)} | |",
    ]
    if result.control is not None:
        lines.append(f"| (Gaussian baseline against none, only downscaled) | {_accuracy(result.control)} | |")
    lines += [
        f"| {candidate.name} | {_accuracy(candidate)} | {candidate.content:.2f} |" for candidate in result.candidates
    ]
    blind, best = blindness(result.images, result.control), result.best
    if blind:
        lines += ["", f"{blind}: the test may be blind. Give it more images or scenes."]
        why = "the configuration's own map stays"
    elif best.hides:
        why = "its accuracy may be chance, and no other such candidate keeps more content"
    else:
        why = "every candidate shows the domain; this one shows it least"
    snippet = yaml_text({"h": best.steps}, default_flow_style=None, width=110)
    recommendation = f"Recommended: {best.name}: {why}. In the configuration:"
    return "\n".join([*lines, "", recommendation, "", snippet.rstrip()])


def _accuracy(measured: TwoSampleResult | Candidate) -> str:
    accuracy, low, high = (f"{100 * value:.0f}" for value in (measured.accuracy, measured.low, measured.high))
    return f"{accuracy} ({low} to {high})"
