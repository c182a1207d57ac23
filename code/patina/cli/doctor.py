"""Tell what is installed and what this machine offers; whatever is missing says how to get it."""

import argparse

from patina.cli.results import add_json_flag, print_result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_json_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the table."""
    from patina.pipelines.machine_check import check_machine, machine_table, machine_values

    machine = check_machine()
    print_result(arguments, machine_table(machine), machine_values(machine))
    return 0
