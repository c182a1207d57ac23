"""Convert another tool's configuration to a recipe, and list everything that has no counterpart."""

import argparse
import sys
from pathlib import Path

from patina.cli.flags import add_flag


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "config",
        type=Path,
        help="configuration of Dataset Destroyer, wtp_dataset_destroyer, PepeDD, Real-ESRGAN, "
        "neosr or traiNNer-redux, or chain of chaiNNer",
    )
    add_flag(
        parser, "out", type=Path,
        help="recipe to write (default: CONFIG with .yml as suffix; for a YAML file, with -recipe.yml at the end)",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Write the recipe, and print the remarks."""
    from patina.pipelines.recipe_import import import_recipe

    config: Path = arguments.config
    ending = "-recipe.yml" if config.suffix in (".yml", ".yaml") else ".yml"
    out = arguments.out or config.with_name(config.stem + ending)
    for remark in import_recipe(config, out):
        print(remark, file=sys.stderr)
    print(f"{out}: written")
    return 0
