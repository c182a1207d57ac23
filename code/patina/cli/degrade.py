"""Make low-quality pictures of a folder of clean ones by a recipe, and write down all that was drawn."""

import argparse
import sys
import time
from pathlib import Path

from patina.cli.flags import add_device_flag, add_flag, add_recursive_flag
from patina.degradations.recipe import MIXED, Recipe, load_recipe
from patina.errors import PatinaError
from patina.pipelines.degraded_set import chosen_outputs, degrade


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("recipe", help="recipe, a path or a name in confs/recipes/")
    parser.add_argument("source", type=Path, help="folder of clean pictures, or one picture")
    parser.add_argument("out", type=Path, help="folder for the results; one folder in it for each variant")
    add_recursive_flag(parser)
    add_flag(parser, "seed", type=int, default=0, help="of all draws; with the file's name it decides the result")
    add_flag(parser, "pictures", type=int, help="only the first so many, to try a recipe; without it the rest follows")
    add_flag(parser, "gt", type=Path, help="folder for the clean pictures, cropped to fit the results exactly")
    add_recipe_flags(parser)
    add_flag(parser, "workers", type=int, help="processes (default: one a core)")
    add_device_flag(parser, "where models compute")


def add_recipe_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that change what a recipe does."""
    add_flag(parser, "variant", nargs="+", help=f"variants to make, or {MIXED} (default: all)")
    add_flag(parser, "model", type=Path, help="model file in place of the one the recipe names")
    parser.add_argument("--without-learned", action="store_true", help="leave out the recipe's learned blocks")


def run(arguments: argparse.Namespace) -> int:
    """Degrade every picture of a folder that is not yet degraded."""
    began = time.perf_counter()
    recipe = chosen_recipe(arguments)
    report = degrade(
        recipe,
        arguments.source,
        arguments.out,
        name=arguments.recipe,
        outputs=chosen_outputs(recipe, arguments.variant),
        seed=arguments.seed,
        limit=arguments.pictures,
        recursive=arguments.recursive,
        ground_truth=arguments.gt,
        workers=arguments.workers,
        device=arguments.device,
    )
    report.print_summary()
    if not report.results:
        report.print_made(arguments.out)
        return report.exit_code
    made = sum(map(len, report.results))
    if not made:  # all were there, but for what -gt asks for
        print(f"{arguments.gt}: {len(report.results)} clean pictures cut", file=sys.stderr)
        return report.exit_code
    speed = len(report.results) / (time.perf_counter() - began)
    print(f"{arguments.out}: {made} pictures made of {len(report.results)}, {speed:.1f} a second", file=sys.stderr)
    return report.exit_code


def chosen_recipe(arguments: argparse.Namespace) -> Recipe:
    """Read the recipe with the changes that the flags ask for."""
    recipe = load_recipe(arguments.recipe)
    if arguments.without_learned and arguments.model:
        raise PatinaError("-model and --without-learned are both given; a model is of no use without its block")
    if arguments.without_learned:
        return recipe.without_learned()
    return recipe.with_model(arguments.model) if arguments.model else recipe
