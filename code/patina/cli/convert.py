"""Convert another tool's configuration to a recipe, or a recipe to options, and list what has no counterpart."""

import argparse
import sys
from pathlib import Path

from patina.cli.flags import add_flag


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "config", type=Path,
        help="configuration of Dataset Destroyer, wtp_dataset_destroyer, PepeDD, Real-ESRGAN, neosr or "
        "traiNNer-redux, or chain of chaiNNer; with -to, a recipe",
    )  # fmt: skip
    add_flag(
        parser, "to", choices=["realesrgan", "neosr", "trainner-redux"],
        help="write a recipe as options of this tool instead",
    )  # fmt: skip
    add_flag(
        parser, "out", type=Path,
        help="file to write (default: CONFIG with .yml as suffix; for a YAML file, with -recipe.yml at the end; with "
        "-to, RECIPE-TOOL in the current folder)",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Write the file, and print the remarks."""
    if arguments.to:
        from patina.pipelines.recipe_export import export_recipe

        out, remarks = export_recipe(arguments.config, arguments.to, arguments.out)
    else:
        from patina.pipelines.recipe_import import import_recipe

        config: Path = arguments.config
        ending = "-recipe.yml" if config.suffix in (".yml", ".yaml") else ".yml"
        out = arguments.out or config.with_name(config.stem + ending)
        remarks = import_recipe(config, out)
    for remark in remarks:
        print(remark, file=sys.stderr)
    print(f"{out}: written")
    return 0
