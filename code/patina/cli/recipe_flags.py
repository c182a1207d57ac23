"""Arguments that choose a recipe, shared by `degrade`, `preview` and `benchmark`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from patina.cli.flags import add_flag

if TYPE_CHECKING:
    from patina.pipelines.recipe_choice import RecipeChoice


def add_recipe_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the recipe itself, as the first positional argument."""
    parser.add_argument("recipe", help="path of a recipe, or its name in confs/recipes/")


def add_recipe_flags(parser: argparse.ArgumentParser, variant: str = "all") -> None:
    """Add the flags that change a recipe; `variant` describes the default of ``-variant``."""
    add_flag(parser, "variant", nargs="+", help=f"names of variants, or mixed (default: {variant})")
    add_flag(parser, "model", type=Path, help="model file to use (default: the one in the recipe)")
    add_flag(parser, "scale", type=int, help="downscaling factor of the results (default: the recipe's)")
    parser.add_argument("--without-learned", action="store_true", help="skip learned blocks")


def add_set_flags(parser: argparse.ArgumentParser) -> None:
    """Add what a degraded set has beside its LQ images, and what clips need."""
    add_flag(parser, "gt", type=Path, help="folder for the GT images, cropped to fit; with tars, those of the output")
    parser.add_argument("--clip", action="store_true", help="treat the folder as one clip: one draw for all its images")
    add_flag(parser, "drift", type=int, metavar="N", help="clips: draw every N frames, interpolate between")


def recipe_choice(arguments: argparse.Namespace) -> RecipeChoice:
    """Return the chosen recipe."""
    from patina.pipelines.recipe_choice import RecipeChoice

    variants = None if arguments.variant is None else tuple(arguments.variant)
    return RecipeChoice(arguments.recipe, variants, arguments.model, arguments.without_learned, arguments.scale)
