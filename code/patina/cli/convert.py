"""Convert another tool's configuration to ours, or a recipe to its options, and list what has no counterpart."""

import argparse
from pathlib import Path

from patina.cli.flags import add_flag
from patina.cli.results import add_json_flag, print_result
from patina.system.telling import warn


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
        help="file to write (default: CONFIG with .yml as suffix; for a YAML file, with -recipe.yml at the end; for a "
        "training, -training.yml; with -to, RECIPE-TOOL in the current folder)",
    )  # fmt: skip
    add_json_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the files, and print the remarks."""
    if arguments.to:
        from patina.pipelines.recipe_export import export_recipe

        written = [export_recipe(arguments.config, arguments.to, arguments.out)]
    else:
        from patina.pipelines.recipe_import import import_foreign

        written = import_foreign(arguments.config, arguments.out)
    for out, remarks in written:
        for remark in remarks:
            warn(remark)
        if not arguments.json:
            print(f"{out}: written")
    if arguments.json:
        print_result(arguments, "", [{"file": str(out), "remarks": remarks} for out, remarks in written])
    return 0
