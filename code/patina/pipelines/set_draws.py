"""What is drawn for one picture of a set, or one frame of a clip."""

from collections.abc import Callable, Sequence

from patina.degradations.base import Size
from patina.degradations.clip_plans import ClipPlans
from patina.degradations.plans import Plan
from patina.degradations.recipe import Recipe
from patina.pipelines.set_log import Entry

Draw = Callable[[str, Size, int, str], Plan]
"""Draws a plan by variant, size, seed and name."""


def draw_frame(
    recipe: Recipe, variant: str, size: Size, seed: int, _name: str, *, clip: str, number: int, drift: int | None
) -> Plan:
    """Draw the plan of a frame of a clip by its number; the clip's name takes the place of the frame's."""
    return ClipPlans(recipe, variant, size, seed, clip, drift).of(number)


def draw_entries(
    size: Size, digest: str | None, *, draw: Draw, source: str, outputs: Sequence[tuple[str, str]], seed: int
) -> list[Entry]:
    """Draw the plans of one picture.

    Args:
        size: size of the picture, cropped to multiples of the scale.
        digest: digest of its file.
        draw: draws a plan by variant, size, seed and the name of the picture, as `Recipe.draw`.
        source: name of the picture.
        outputs: (file, variant) of its outputs.
        seed: seed of all draws.
    """
    plans = {variant: draw(variant, size, seed, source) for variant in {variant for _, variant in outputs}}
    return [Entry(file, source, digest, variant, size, plans[variant]) for file, variant in outputs]
