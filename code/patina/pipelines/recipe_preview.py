"""Show every step of a recipe on one picture: as drawn, mildest, strongest, and the amplified difference."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from patina.degradations.base import Block, Frame, PlacedBlock, Size
from patina.degradations.blocks import OneOf
from patina.degradations.description import described
from patina.degradations.execution import Engine, apply_plan
from patina.degradations.plans import Plan, draw_blocks, unfolded
from patina.degradations.recipe import Recipe
from patina.degradations.resizing import Resize
from patina.errors import PatinaError, require_range
from patina.imaging.crop_and_pad import centre_crop, crop_to_multiple
from patina.imaging.picture_files import read_picture, write_picture
from patina.imaging.resize_filters import resize
from patina.imaging.sheets import LIGHT, sheet
from patina.imaging.value_spaces import to_values, values_to_pixels
from patina.pipelines.recipe_choice import RecipeChoice, with_engine

COLUMNS = ["result", "mildest", "strongest", "difference"]
STRONGEST_AMPLIFICATION = 32
TITLE_LETTERS = 30
"""Length of a line in a row's title."""


@dataclass(frozen=True)
class Row:
    """A step of the sheet; all pictures are ``[H, W, 3]`` float32 in [0, 1].

    Attributes:
        title: the operation and what was drawn for it.
        before, after: the picture before and after the step.
        mildest, strongest: the picture after the step, with its ranges at either end.
    """

    title: str
    before: np.ndarray
    after: np.ndarray
    mildest: np.ndarray
    strongest: np.ndarray


@dataclass(frozen=True)
class PreviewRequest:
    """A recipe to show, and the picture to show it on.

    Attributes:
        recipe: with at most one variant; without any, the variant with the most blocks is shown.
        image: a clean picture.
        out: the sheet to write.
        side: side of the centre crop to show, in pixels.
        zoom: side of the square that shows a pixel.
        seed: seed of the draws.
        device: for learned blocks.
    """

    recipe: RecipeChoice
    image: Path
    out: Path
    side: int = 192
    zoom: int = 1
    seed: int = 0
    device: str = "auto"


def preview(request: PreviewRequest) -> tuple[str, int]:
    """Write a sheet that shows what every step of a variant does to a picture.

    Returns:
        The name of the variant, and the number of steps.

    Raises:
        PatinaError: the recipe, a model, the picture or a setting cannot be used.
    """
    recipe = request.recipe.load()
    variants = request.recipe.or_longest(recipe).outputs(recipe).variants
    if len(variants) != 1:
        raise PatinaError(f"-variant names {len(variants)} variants, expected one")
    require_range("zoom", request.zoom, 1)
    require_range("side", request.side, recipe.scale)
    recipe, engine = with_engine(recipe, request.device)
    clean = to_values(_crop(read_picture(request.image, alpha="refuse").pixels, request.side, recipe.scale))
    rows = preview_rows(recipe, variants[0], clean, request.seed, request.image.name, engine)
    write_picture(request.out, preview_sheet(clean, rows, request.zoom))
    return variants[0], len(rows)


def _crop(pixels: np.ndarray, side: int, multiple: int) -> np.ndarray:
    """Return the centre of a picture, at most `side` pixels wide and high, with sides that are multiples."""
    cropped = centre_crop(pixels, side)
    if min(cropped.shape[:2]) < multiple:
        raise PatinaError(f"an image of {pixels.shape[1]}x{pixels.shape[0]} pixels is too small for scale {multiple}")
    return np.ascontiguousarray(crop_to_multiple(cropped, multiple))


def preview_rows(
    recipe: Recipe, variant: str, clean: np.ndarray, seed: int, name: str, engine: Engine | None = None
) -> list[Row]:
    """Apply the blocks of a variant one after the other, with one draw from every choice and shuffle.

    The mildest and the strongest version of a block are applied to the same picture as the drawn one. In a fitted
    recipe, whose choices are the profiles of single photos, they are those of all photos. A resize that changes nothing
    has no row.

    Args:
        recipe: the recipe.
        variant: one of `recipe.names`.
        clean: ``[H, W, 3]`` float32 in [0, 1] with sides that are multiples of the scale.
        seed, name: of the draws, as in `Recipe.draw`.
        engine: for steps that need one.
    """
    size = clean.shape[:2]
    frame = Frame(size, size, (size[0] // recipe.scale, size[1] // recipe.scale))
    image, rows = clean, []
    sequence = recipe.sequence(variant)
    for place, block in unfolded(sequence, seed, name):

        def after(variation: Block, place: str = place, frame: Frame = frame, before: np.ndarray = image) -> np.ndarray:
            return apply_plan(before, draw_blocks([(place, variation)], frame, seed, name)[0], engine)

        plan, following = draw_blocks([(place, block)], frame, seed, name)
        result = apply_plan(image, plan, engine)
        if not (isinstance(block, Resize) and np.array_equal(result, image)):
            ends = _of_all_photos(block, sequence) if recipe.fitted else block
            title = _title(block, plan, image.shape[:2])
            rows.append(Row(title, image, result, after(ends.at_end(False)), after(ends.at_end(True))))
        image, frame = result, following
    return rows


def _of_all_photos(block: Block, sequence: Sequence[PlacedBlock]) -> Block:
    """Return a block of a photo's profile with the ranges of all profiles."""
    profiles = [choice.steps for _, group in sequence if isinstance(group, OneOf) for choice in group.choices]
    same = [[step for step in steps if type(step) is type(block)] for steps in profiles]
    place = next((number for steps in same for number, step in enumerate(steps) if step is block), None)
    if place is None:  # a step that all photos share
        return block
    alike = [steps[place] for steps in same if len(steps) > place]
    ranges = {name: value for name, value in block if isinstance(value, tuple) and all(map(_is_number, value))}
    ends = {name: [end for step in alike for end in getattr(step, name)] for name in ranges}
    return block.model_copy(update={name: (min(values), max(values)) for name, values in ends.items()})


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def preview_sheet(clean: np.ndarray, rows: list[Row], zoom: int = 1) -> np.ndarray:
    """Lay out the steps as ``[H, W, 3]`` uint8; smaller pictures are enlarged to the size of the clean one."""
    size = clean.shape[:2]
    empty = np.full((*size, 3), LIGHT, np.uint8)
    cells, titles = [[_shown(clean, size), empty, empty, empty]], ["clean"]
    for row in rows:
        difference, factor = amplified_difference(row.before, row.after)
        pictures = (row.after, row.mildest, row.strongest, difference)
        cells.append([_shown(picture, size) for picture in pictures])
        titles.append(f"{row.title}\ndifference x{factor:g}")
    return sheet(cells, COLUMNS, titles, zoom=zoom)


def amplified_difference(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, float]:
    """Return what a step added, amplified around mid-grey, and the amplification.

    If the step changes the size, the smaller picture is enlarged with nearest-neighbour interpolation.
    """
    size = tuple(np.maximum(before.shape[:2], after.shape[:2]).tolist())
    before, after = resize(before, size, "nearest"), resize(after, size, "nearest")
    difference = after - before
    largest = float(np.quantile(np.abs(difference), 0.995))
    factor = 2.0 ** np.floor(np.log2(0.5 / largest)) if largest > 0 else STRONGEST_AMPLIFICATION
    factor = float(np.clip(factor, 1, STRONGEST_AMPLIFICATION))
    return (np.float32(0.5) + np.float32(factor) * difference).clip(0, 1), factor


def _title(block: Block, plan: Plan, size: Size) -> str:
    if not plan:
        return f"{block.name}, not drawn"
    lines = [textwrap.fill(line, TITLE_LETTERS, subsequent_indent="  ") for line in described(plan, size)]
    return "\n".join(lines)


def _shown(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return values_to_pixels(resize(image, size, "nearest"), np.dtype(np.uint8))
