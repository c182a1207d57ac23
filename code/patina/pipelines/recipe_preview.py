"""Show what each step of a recipe does to a picture: as drawn, at its mildest and strongest, and the difference."""

import textwrap
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from patina.degradations.base import Block, Frame, Size
from patina.degradations.description import described
from patina.degradations.execution import Engine, apply_plan
from patina.degradations.plans import Plan, draw_blocks, unfolded
from patina.degradations.recipe import Recipe
from patina.errors import PatinaError
from patina.imaging.crop_and_pad import centre_crop, crop_to_multiple
from patina.imaging.picture_files import read_picture, write_picture
from patina.imaging.resize_filters import resize
from patina.imaging.sheets import LIGHT, sheet
from patina.imaging.value_spaces import to_values, values_to_pixels
from patina.pipelines.recipe_choice import RecipeChoice, with_engine

COLUMNS = ["result", "mildest", "strongest", "difference"]
STRONGEST_AMPLIFICATION = 32
TITLE_LETTERS = 30
"""In a line of a row's title."""


@dataclass(frozen=True)
class Row:
    """One step: what it did in words, and the pictures before it, after it, and at both ends of its ranges."""

    title: str
    before: np.ndarray
    after: np.ndarray
    mildest: np.ndarray
    strongest: np.ndarray


@dataclass(frozen=True)
class PreviewRequest:
    """What to show of a recipe.

    Attributes:
        recipe: with one variant to show, or None for the one with the most blocks.
        image: clean picture.
        out: the sheet to write.
        side: of the crop that is shown, in pixels.
        zoom: shows every pixel as a square of this side.
        seed: of the draws.
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
    """Write a sheet that shows what each step of a variant does to a picture.

    Returns:
        The variant, and how many steps are shown.

    Raises:
        PatinaError: the recipe, a model, the picture or a setting cannot be used.
    """
    recipe = request.recipe.load()
    variants = request.recipe.or_longest(recipe).outputs(recipe).variants
    if len(variants) != 1:
        raise PatinaError(f"-variant names {len(variants)} variants, expected one to show")
    if request.zoom < 1 or request.side < recipe.scale:
        raise PatinaError(f"-zoom must be 1 or more and -side at least the scale, {recipe.scale}")
    recipe, engine = with_engine(recipe, request.device)
    clean = to_values(_crop(read_picture(request.image, alpha="refuse").pixels, request.side, recipe.scale))
    rows = preview_rows(recipe, variants[0], clean, request.seed, request.image.name, engine)
    write_picture(request.out, preview_sheet(clean, rows, request.zoom))
    return variants[0], len(rows)


def _crop(pixels: np.ndarray, side: int, multiple: int) -> np.ndarray:
    """Return the middle of a picture, at most `side` pixels wide and high, cropped to multiples of `multiple`."""
    cropped = centre_crop(pixels, side)
    if min(cropped.shape[:2]) < multiple:
        raise PatinaError(f"a picture of {pixels.shape[1]}x{pixels.shape[0]} pixels is too small for scale {multiple}")
    return np.ascontiguousarray(crop_to_multiple(cropped, multiple))


def preview_rows(
    recipe: Recipe, variant: str, clean: np.ndarray, seed: int, name: str, engine: Engine | None = None
) -> list[Row]:
    """Do a variant's blocks one after the other, those of choices and shuffles as they are drawn.

    What each does at its ends is done to the same picture.

    Args:
        recipe: what to do.
        variant: one of `recipe.names`.
        clean: ``[H, W, 3]`` float32 in [0, 1], sides multiples of the scale.
        seed, name: of the draws, as in `Recipe.draw`.
        engine: for the steps that want one.
    """
    size = clean.shape[:2]
    frame = Frame(size, size, (size[0] // recipe.scale, size[1] // recipe.scale))
    image, rows = clean, []
    for place, block in unfolded(recipe.sequence(variant), seed, name):

        def after(variation: Block, place: str = place, frame: Frame = frame, before: np.ndarray = image) -> np.ndarray:
            return apply_plan(before, draw_blocks([(place, variation)], frame, seed, name)[0], engine)

        plan, following = draw_blocks([(place, block)], frame, seed, name)
        result = apply_plan(image, plan, engine)
        title = _title(block, plan, image.shape[:2])
        rows.append(Row(title, image, result, after(block.at_end(False)), after(block.at_end(True))))
        image, frame = result, following
    return rows


def preview_sheet(clean: np.ndarray, rows: list[Row], zoom: int = 1) -> np.ndarray:
    """Lay the steps out, pictures of other sizes enlarged to the clean one's; ``[H, W, 3]`` uint8."""
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
    """Return what a step added, around mid-gray, and how many times it is amplified.

    Where the step changes the size, the smaller picture's pixels are enlarged to squares.
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
    lines = [textwrap.fill(each, TITLE_LETTERS, subsequent_indent="  ") for each in described(plan, size)]
    return "\n".join(lines)


def _shown(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return values_to_pixels(resize(image, size, "nearest"), np.dtype(np.uint8))
