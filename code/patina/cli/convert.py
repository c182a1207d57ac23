"""Convert a Dataset Destroyer config.ini to a recipe, and list everything that has no counterpart."""

import argparse
import sys
from pathlib import Path

from patina.cli.flags import add_flag


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("config", type=Path, help="config.ini of Dataset Destroyer")
    add_flag(parser, "out", type=Path, help="recipe to write (default: CONFIG with .yml as suffix)")


def run(arguments: argparse.Namespace) -> int:
    """Write the recipe, and print the remarks."""
    from patina.pipelines.recipe_import import import_recipe

    out = arguments.out or arguments.config.with_suffix(".yml")
    for remark in import_recipe(arguments.config, out):
        print(remark, file=sys.stderr)
    print(f"{out}: written")
    return 0
