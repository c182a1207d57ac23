"""List the recipes and families to fit that come with Patina, or copy one to edit."""

import argparse
from pathlib import Path

from patina.cli.flags import add_flag


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_flag(parser, "copy", metavar="NAME", help="copy this one into the folder -to, to be edited")
    add_flag(parser, "to", type=Path, default=Path("."), help="folder for the copy")


def run(arguments: argparse.Namespace) -> int:
    """Print the list, or copy."""
    from patina.pipelines.shipped_settings import RECIPES, copy_shipped, printed, shipped

    if arguments.copy is None:
        print(printed(shipped(RECIPES)))
    else:
        print(f"{copy_shipped(arguments.copy, RECIPES, arguments.to)}: written")
    return 0
