"""Show what each step of a recipe does to a picture: as drawn, at its mildest and strongest, and the difference."""

import argparse
from pathlib import Path

from patina.cli.degrade import add_recipe_flags, chosen_recipe
from patina.cli.flags import add_device_flag, add_flag
from patina.degradations.recipe import require_models
from patina.errors import PatinaError
from patina.imaging.picture_files import read_picture, to_values, write_picture
from patina.pipelines.degraded_set import chosen_outputs, longest_variant, with_engine
from patina.pipelines.recipe_preview import _cut, preview_rows, preview_sheet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("recipe", help="recipe, a path or a name in confs/recipes/")
    parser.add_argument("image", type=Path, help="clean picture")
    add_flag(parser, "out", type=Path, help="the sheet (default: preview-RECIPE.png)")
    add_flag(parser, "side", type=int, default=192, help="of the crop that is shown, in pixels")
    add_flag(parser, "zoom", type=int, default=1, help="shows every pixel as a square of this side")
    add_flag(parser, "seed", type=int, default=0, help="of the draws")
    add_recipe_flags(parser)
    add_device_flag(parser, "where models compute")


def run(arguments: argparse.Namespace) -> int:
    """Write the sheet of one variant."""
    recipe = chosen_recipe(arguments)
    require_models(recipe)
    chosen = chosen_outputs(recipe, arguments.variant).variants if arguments.variant else [longest_variant(recipe)]
    if len(chosen) != 1:
        raise PatinaError(f"-variant names {len(chosen)} variants, expected one to show")
    if arguments.zoom < 1 or arguments.side < recipe.scale:
        raise PatinaError(f"-zoom must be 1 or more and -side at least the scale, {recipe.scale}")
    recipe, engine = with_engine(recipe, arguments.device)
    clean = _cut(read_picture(arguments.image, alpha="refuse").pixels, arguments.side, recipe.scale)
    rows = preview_rows(recipe, chosen[0], to_values(clean), arguments.seed, arguments.image.name, engine)
    out = arguments.out or Path(f"preview-{Path(arguments.recipe).stem}.png")
    write_picture(out, preview_sheet(to_values(clean), rows, arguments.zoom))
    print(f"{out}: {len(rows)} steps of {arguments.recipe}{f', {chosen[0]}' if chosen[0] else ''}")
    return 0
