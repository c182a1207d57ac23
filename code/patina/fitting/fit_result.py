"""A fitted recipe and what is known of it."""

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from patina.fitting.agreement import Agreement
from patina.fitting.discrepancies import Discrepancy, discrepancies
from patina.fitting.file_compression import FileCompression
from patina.fitting.measured_curves import CURVES, MeasuredCurve
from patina.fitting.number_words import NumberWords, number_words
from patina.fitting.profiles import findings
from patina.fitting.quantities import QUANTITIES, MeasuredSets, means
from patina.fitting.search import SynthesisMatch


@dataclass(frozen=True)
class Fit:
    """A fitted recipe and what is known of it.

    Attributes:
        families: names of the recipes that were tried, in their order.
        scale: how many times smaller the results are.
        photos: names of the photos.
        compressions: how the photos' files were compressed, in the same order.
        impulses: fraction of each photo's pixels that are black or white by error.
        upscaled: names of photos that look as if they had been enlarged.
        set_aside: pictures that are no photos or cannot be read, and why.
        clean: names of the clean pictures that were degraded.
        can_shrink: whether the clean pictures are large enough for scale and photos at half their size, too.
        notes: what was said of the pictures before the fit, in sentences.
        match: the numbers; None where nothing was found.
        measured: the measures of photos, fitted and clean pictures.
        agreements: how near fitted pictures come to the photos.
        undegraded: how near clean pictures come to them as they are.
        text: the recipe in YAML.
        found: what was found, and how close it comes to the photos, in one or two sentences.
        cautions: what makes the fit less reliable, in sentences; empty where nothing does.
        seconds: time that the fit took.
    """

    families: tuple[str, ...]
    scale: int
    photos: tuple[str, ...]
    compressions: tuple[FileCompression, ...]
    impulses: tuple[float, ...]
    upscaled: tuple[str, ...]
    set_aside: tuple[tuple[str, str], ...]
    clean: tuple[str, ...]
    can_shrink: bool
    notes: tuple[str, ...]
    match: SynthesisMatch | None
    measured: MeasuredSets
    agreements: tuple[Agreement, ...]
    undegraded: tuple[Agreement, ...]
    text: str
    found: str
    cautions: tuple[str, ...]
    seconds: float

    @property
    def summary(self) -> str:
        """What was found, and cautions, in one line."""
        return " ".join((self.found, *self.cautions))

    @cached_property
    def numbers(self) -> list[NumberWords]:
        """What was found of every number, in words; nothing where nothing was found."""
        return number_words(findings(self.match), self.match.family, self.compressions) if self.match else []

    @cached_property
    def discrepancies(self) -> list[Discrepancy]:
        """How near fitted pictures come to the photos, group by group in words."""
        sets = self.agreements, self.undegraded, self.measured
        return discrepancies(*sets, self.families, can_shrink=self.can_shrink)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON; they do not depend on the time that the fit took."""
        return {
            "summary": self.summary,
            "notes": list(self.notes),
            "families": list(self.families),
            "family": self.match.family.name if self.match else None,
            "scale": self.scale,
            "photos": list(self.photos),
            "upscaled": list(self.upscaled),
            "set_aside": [{"name": name, "reason": reason} for name, reason in self.set_aside],
            "compression": [asdict(compression) for compression in self.compressions],
            "impulses": list(self.impulses),
            "numbers": self._number_values(),
            "agreement": [_agreement_values(found) for found in self.discrepancies],
            "quantities": self._quantity_values(),
            "curves": {curve.key: self._curve_values(curve) for curve in CURVES},
            "distances": list(self.match.distances) if self.match else [],
        }

    def _number_values(self) -> list[dict[str, Any]]:
        if self.match is None:
            return []
        return [
            {
                "name": words.name,
                "title": words.title,
                "unit": words.unit,
                "low": found.low,
                "middle": found.middle,
                "high": found.high,
                "error": found.error,
                "decided": found.decided,
                "certainty": words.certainty,
            }
            for words, found in zip(self.numbers, findings(self.match), strict=True)
        ]

    def _quantity_values(self) -> dict[str, dict[str, float]]:
        """Return what people understand of the measures, for photos, fitted and clean pictures."""
        mean = {name: means(self.measured.by_name(values)) for name, values in self.measured.arrays.items()}
        return {
            quantity.key: {name: quantity.of_one(values) for name, values in mean.items()} for quantity in QUANTITIES
        }

    def _curve_values(self, curve: MeasuredCurve) -> dict[str, list[float]]:
        curves = {name: curve.of(self.measured, values) for name, values in self.measured.arrays.items()}
        return {"x": curve.x.tolist()} | {name: found.tolist() for name, found in curves.items()}


def _agreement_values(found: Discrepancy) -> dict[str, Any]:
    return {
        "group": found.agreement.group,
        "fitted": found.agreement.fitted,
        "halves": found.agreement.halves,
        "undegraded": found.undegraded,
        "close": found.agreement.is_close,
        "sentence": found.sentence,
        "advice": found.advice,
    }
