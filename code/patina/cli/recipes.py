"""List the recipes and families to fit that come with Patina, or copy one to edit."""

import argparse

from patina.cli.shipped_flags import add_shipped_flags, list_or_copy


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_shipped_flags(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the list, or copy."""
    from patina.pipelines.shipped_settings import RECIPES

    return list_or_copy(arguments, RECIPES)
