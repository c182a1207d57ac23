"""Fitted numbers as a recipe: one profile a photo, drawn jointly, in YAML that a person can read and edit."""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np

from patina.degradations.base import Frame, Operation
from patina.degradations.blocks import parse_block
from patina.degradations.recipe_text import comment, recipe_text
from patina.fitting.family import Family, FreeNumber, plain_family
from patina.fitting.photo import Photo
from patina.fitting.population import WIDEST_SPREAD
from patina.fitting.search import SynthesisMatch

UNDECIDED = 0.7
"""Photos do not decide a number whose uncertainty stays above this fraction of what it was before."""

AT_LIMIT = 0.97
"""Unit value above which a number stands at the end of its range."""

UNUSED = 1e-3
"""Optional numbers up to here, relative to their range, are not used."""

_TRIAL_SIDE = 32
"""Side in pixels of the image that shows whether a step does anything."""

_AROUND = 0.5
"""How far a profile reaches around a photo's numbers, in their standard deviations."""

_DIGITS = 3


@dataclass(frozen=True)
class NumberFinding:
    """What was found of one free number, over all photos.

    Attributes:
        number: which.
        low, middle, high: the 10 %, 50 % and 90 % quantiles of the photos' values.
        error: standard error of the mean, in the number's own unit.
        decided: whether the photos decide it.
        at_limit: whether the photos might need values above the number's high end.
        use: "unused" for an optional number that stays at its low end, "idle" for the others of its step.
    """

    number: FreeNumber
    low: float
    middle: float
    high: float
    error: float
    decided: bool
    at_limit: bool = False
    use: Literal["used", "unused", "idle"] = "used"


def findings(match: SynthesisMatch) -> list[NumberFinding]:
    """Sum up a match, number by number."""
    population = match.population
    found: list[NumberFinding] = []
    for place, number in enumerate(match.family.free):
        units = population.units[:, place]
        low, middle, high = (number.value(float(np.quantile(units, q))) for q in (0.1, 0.5, 0.9))
        uncertainty = float(population.error[place])
        centre = float(np.median(units))
        slope = abs(number.value(centre + 0.01) - number.value(centre - 0.01)) / 0.02
        error = slope * uncertainty
        decided = uncertainty < UNDECIDED * WIDEST_SPREAD
        at_limit = centre > AT_LIMIT and number.can_grow and not match.family.is_told(number)
        found.append(NumberFinding(number, low, middle, high, float(error), decided, at_limit))
    return with_use(found, partial(does_nothing, match.family, np.median(population.units, axis=0)))


def with_use(found: Sequence[NumberFinding], does_nothing: Callable[[FreeNumber], bool]) -> list[NumberFinding]:
    """Mark the optional numbers that are not used, and the others of their steps where these are then without effect.

    Args:
        found: what was found.
        does_nothing: whether the step of an optional number changes nothing while that number is at its low end.
    """
    unused = [finding.number for finding in found if _is_unused(finding)]
    steps = {number.place[:-1] for number in unused if does_nothing(number)}
    return [
        replace(finding, use="unused" if finding.number in unused else "idle", at_limit=False)
        if finding.number.place[:-1] in steps or finding.number in unused
        else finding
        for finding in found
    ]


def does_nothing(family: Family, units: np.ndarray, number: FreeNumber) -> bool:
    """Return whether a number's step leaves random pixels as they are, with that number at its low end.

    Args:
        family: the recipe.
        units: ``[free]`` unit values of its numbers.
        number: one of them.
    """
    values = [one.low if one == number else one.value(unit) for one, unit in zip(family.free, units, strict=True)]
    step: Any = family.filled([(value, value) for value in values])
    for key in number.place[:-2]:
        step = step[key]
    block, rng = parse_block(step), np.random.default_rng(0)
    if not isinstance(block, Operation):
        return False
    image = rng.random((_TRIAL_SIDE, _TRIAL_SIDE, 3), np.float32)
    size = (_TRIAL_SIDE, _TRIAL_SIDE)
    result = block.apply(image, block.draw(rng, Frame(size, size, size)), 0)
    return result.shape == image.shape and bool(np.allclose(result, image, atol=1 / 512))


def _is_unused(finding: NumberFinding) -> bool:
    number = finding.number
    return number.optional and finding.high - number.low <= UNUSED * (number.high - number.low)


def profile_recipe(
    match: SynthesisMatch,
    photos: Sequence[Photo],
    remarks: Sequence[str],
    *,
    reliable: bool = True,
) -> str:
    """Return the fitted recipe as YAML.

    Args:
        match: what was found.
        photos: what each choice is the profile of.
        remarks: lines for its head.
        reliable: whether its numbers can be relied on; see `is_poor`.
    """
    fitted = "true  #" if reliable else "unreliable  # fewer than half of the properties match the photos;"
    found = findings(match)
    lines = [comment(remark) for remark in remarks]
    lines += [comment(_remark(finding)) for finding in found]
    lines += [
        "#",
        "# Each choice below is the profile of one photo. Delete what you do not want, change weights and ranges.",
        f"scale: {match.family.scale}",
        f"fitted: {fitted} the numbers hold at this scale only; for another one, fit again",
        "",
        "steps:",
        "  - one_of:",
        "      choices:",
    ]
    unused = _unused_steps(match, found)
    for place, photo in enumerate(photos):
        steps = match.family.filled(_ranges(match, place), photo.compression, photo.impulses, unused)["steps"]
        lines += [f"        - weight: 1  {comment(photo.name)}", "          steps:"]
        lines.append(textwrap.indent(recipe_text(_rounded(steps)).rstrip(), " " * 12))
    return "\n".join(lines) + "\n"


def empty_recipe(scale: int, remarks: Sequence[str], impulses: Sequence[float] = ()) -> str:
    """Return a recipe for photos that measure like clean images: it degrades nothing but what was read off directly.

    Args:
        scale: how many times smaller its results are.
        remarks: lines for its head.
        impulses: by photo, fraction of the pixels that are black or white by error.
    """
    head = "".join(f"{comment(remark)}\n" for remark in remarks)
    return head + recipe_text(plain_family(scale).filled([], None, float(np.mean(impulses or [0]))))


def _unused_steps(match: SynthesisMatch, found: Sequence[NumberFinding]) -> set[int]:
    """Return the positions of the steps that do nothing, as an optional number of theirs is not used."""
    numbers = [finding.number for finding in found if finding.use == "unused"]
    middle = np.median(match.population.units, axis=0)
    return {int(one.place[1]) for one in numbers if len(one.place) == 4 and does_nothing(match.family, middle, one)}


def _ranges(match: SynthesisMatch, place: int) -> list[tuple[float, float]]:
    """Return the range of every number for one photo: a little around its own value."""
    units, population = match.population.units[place], match.population
    width = _AROUND * np.sqrt(population.variance[place])
    ranges = []
    for number, unit, reach in zip(match.family.free, units, width, strict=True):
        low, high = number.value(float(unit - reach)), number.value(float(unit + reach))
        if number.is_quality:
            low, high = round(low), round(high)
        ranges.append((low, high))
    return ranges


def _rounded(value: Any) -> Any:
    """Return plain values with numbers of three digits behind the point at the most."""
    if isinstance(value, float):
        return round(value, _DIGITS)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list) else value


def _remark(finding: NumberFinding) -> str:
    if finding.use != "used":
        return f"{finding.number.name}: {'not found' if finding.use == 'unused' else 'without effect'}"
    low, middle, high = (_short(value) for value in (finding.low, finding.middle, finding.high))
    text = f"{finding.number.name}: {middle} (80 % of the photos: {low} to {high})"
    if finding.at_limit:
        return f"{text}, at the end of its range: the photos may need more"
    certainty = f"±{finding.error:.2g}" if finding.decided else "the photos do not decide it; its range is a guess"
    return f"{text}, {certainty}"


def _short(value: float) -> str:
    return f"{value:.3g}" if abs(value) >= 1e-3 else "0"
