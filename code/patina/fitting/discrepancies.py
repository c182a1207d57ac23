"""How close fitted pictures come to the photos, group by group in plain words, and what to do where they do not."""

from collections.abc import Sequence
from dataclasses import dataclass

from patina.fitting.agreement import Agreement
from patina.fitting.family import DEFAULT_FAMILIES
from patina.fitting.quantities import QUANTITIES, MeasuredSets, means, most_different

MEANINGS = {
    "noise strength": "How much smooth places flicker from pixel to pixel.",
    "noise grain": "Whether the noise is fine, or comes in coarse grains.",
    "colour noise": "How much the noise changes colours, and not only brightness.",
    "colour blotches": "Whether colour noise is fine, or comes in blotches.",
    "noise by brightness": "Whether dark places are noisier than bright ones, or the reverse.",
    "edge sharpness": "How soft the strongest edges are: blur, defocus, shake.",
    "halos at edges": "The bright and dark lines that sharpening leaves beside edges.",
    "block artefacts": "What JPEG and WebP leave: visible blocks, and fine detail that is erased.",
}
"""What every property is about: a group of measures, see `patina.fitting.agreement.GROUPS`."""

WHAT_TO_DO = "What to do"
"""How advice begins."""

_LEARN = "learn what the fit leaves (the same command with --learn {kind})"
_NOISE = f"fit {{other}}; if that does not help, {_LEARN.format(kind='ludvae')}, which needs no model of the noise"
_WAYS = dict.fromkeys(
    ("noise strength", "noise grain", "colour noise", "colour blotches", "noise by brightness"), _NOISE
) | {
    "edge sharpness": (
        "if the photos are out of focus, write a family with lens_blur in place of ellipse_blur; if they are shaken in "
        f"curves, {_LEARN.format(kind='deflow')}; photos with more clear edges also help"
    ),
    "halos at edges": f"{_LEARN.format(kind='deflow')}, which learns the camera's own processing",
    "block artefacts": (
        "blur and denoising erase fine detail, too, so see to edge sharpness and noise first if these also differ; "
        "if the photos were compressed twice, or resized after they were compressed, write a family with a second "
        f"jpeg step; else {_LEARN.format(kind='deflow')}"
    ),
}
_ONLY_ADDED = {"noise strength", "edge sharpness", "halos at edges", "block artefacts"}
"""Groups whose quantities degradations raise, and hardly ever lower."""

_BETTER_CLEAN = (
    "the clean images have more of this by themselves ({clean}), and a degradation can hardly take it away: use {which}"
)
_SHRINKABLE = {True: "better clean images, or shrink them first", False: "better clean images of this size or larger"}
"""Which clean images to use, by whether these are large enough to be downscaled by 2."""

_DISTANCE = (
    "Distance from the photos by all measures of this property: {fitted:.1f} (chance alone: 1; one half of the photos "
    "from the other: {halves:.1f})."
)

_COST = (
    "The clean images as they are come closer ({clean:.1f}): the fit gave up some of this property to come "
    "closer in others."
)
_CLOSER_CLEAN = (
    "This is within what chance explains, though the clean images as they are come closer ({clean:.1f} instead of "
    "{fitted:.1f})."
)


@dataclass(frozen=True)
class Discrepancy:
    """One group of measures: how near fitted pictures come to the photos.

    Attributes:
        agreement: distances of fitted pictures and of the photos' halves.
        undegraded: distance of the clean pictures.
        title, meaning: of the group.
        sentence: the photos' value beside the fitted pictures' one.
        advice: what to do; empty where fitted pictures are as close as photos are to each other.
    """

    agreement: Agreement
    undegraded: float
    title: str
    meaning: str
    sentence: str
    advice: str

    @property
    def grade(self) -> str:
        """``"close"``, ``"closer"`` than half of what the clean pictures are apart, or ``"far"``."""
        if self.agreement.is_close:
            return "close"
        return "closer" if self.agreement.fitted < self.undegraded / 2 else "far"


def discrepancies(
    agreed: Sequence[Agreement],
    undegraded: Sequence[Agreement],
    sets: MeasuredSets,
    families: Sequence[str],
    *,
    can_shrink: bool = True,
) -> list[Discrepancy]:
    """Describe every group of measures.

    Args:
        agreed: fitted pictures against photos.
        undegraded: clean pictures against photos, the same groups.
        sets: what was measured.
        families: names of the recipes that were tried.
        can_shrink: whether the clean images are large enough to be downscaled by 2.
    """
    better = _SHRINKABLE[can_shrink]
    return [
        _discrepancy(agreement, clean.fitted, sets, families, better)
        for agreement, clean in zip(agreed, undegraded, strict=True)
    ]


def _discrepancy(
    agreement: Agreement, undegraded: float, sets: MeasuredSets, families: Sequence[str], better: str
) -> Discrepancy:
    found = [quantity for quantity in QUANTITIES if quantity.group == agreement.group]
    quantity = found[0] if agreement.is_close else most_different(sets, found)
    mean = {name: means(sets.by_name(values)) for name, values in sets.arrays.items()}
    real, fitted = (quantity.shown(mean[name]) for name in ("photos", "fitted"))
    told = quantity.sentence.format(real=real, fitted=fitted)
    told = f"{told[0].upper()}{told[1:]}."
    title, meaning = agreement.group.capitalize(), MEANINGS[agreement.group]
    if agreement.is_close and undegraded < agreement.fitted - 0.1:
        told = f"{told} {_CLOSER_CLEAN.format(clean=undegraded, fitted=agreement.fitted)}"
    if agreement.is_close:
        return Discrepancy(agreement, undegraded, title, meaning, told, "")
    told = f"{told} {_DISTANCE.format(fitted=agreement.fitted, halves=agreement.halves)}"
    if undegraded < agreement.fitted:
        told = f"{told} {_COST.format(clean=undegraded)}"
    exceeds = quantity.of_one(mean["photos"]) < min(quantity.of_one(mean[name]) for name in ("fitted", "clean"))
    if agreement.group in _ONLY_ADDED and exceeds:
        way = _BETTER_CLEAN.format(clean=quantity.shown(mean["clean"]), which=better)
    else:
        way = _WAYS[agreement.group].format(other=_other_family(families))
    return Discrepancy(agreement, undegraded, title, meaning, told, f"{WHAT_TO_DO}: {way}.")


def _other_family(tried: Sequence[str]) -> str:
    untried = [family for family in DEFAULT_FAMILIES if family not in tried]
    return f"another family (-recipe {untried[0]})" if untried else "a family of your own with another noise model"
