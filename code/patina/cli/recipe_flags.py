"""The flags that change what a recipe does; `degrade`, `preview` and `benchmark` share them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from patina.cli.flags import add_flag

if TYPE_CHECKING:
    from patina.pipelines.recipe_choice import RecipeChoice


def add_recipe_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the recipe, which stands in front of all other arguments."""
    parser.add_argument("recipe", help="recipe, a path or a name in confs/recipes/")


def add_recipe_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that change what a recipe does."""
    add_flag(parser, "variant", nargs="+", help="variants to make, or mixed (default: all)")
    add_flag(parser, "model", type=Path, help="model file in place of the one the recipe names")
    parser.add_argument("--without-learned", action="store_true", help="leave out the recipe's learned blocks")


def recipe_choice(arguments: argparse.Namespace) -> RecipeChoice:
    """Return the recipe with the changes that the flags ask for."""
    from patina.pipelines.recipe_choice import RecipeChoice

    variants = None if arguments.variant is None else tuple(arguments.variant)
    return RecipeChoice(arguments.recipe, variants, arguments.model, arguments.without_learned)
