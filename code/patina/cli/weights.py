"""List the published weights that metrics and losses need: where each is, or how to get it."""

import argparse

from patina.cli.results import add_json_flag, print_result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_json_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the list."""
    from patina.pipelines.weight_files import weight_files, weight_table
    from patina.system.text_layout import terminal_width

    files = weight_files()
    print_result(arguments, weight_table(files, terminal_width()), {file.name: file.values for file in files})
    return 0
