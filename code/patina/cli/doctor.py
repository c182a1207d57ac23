"""List versions, devices, formats and weights on this machine, and how to install missing ones."""

import argparse

from patina.cli.results import add_json_flag, print_result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_json_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the table."""
    from patina.pipelines.machine_check import check_machine, machine_table, machine_values
    from patina.system.text_layout import terminal_width

    machine = check_machine()
    print_result(arguments, machine_table(machine, terminal_width()), machine_values(machine))
    return 0
