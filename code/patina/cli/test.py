"""Upscale test sets with a finished model and, where there is ground truth, measure the results."""

import argparse

from patina.cli.flags import add_device_flag, add_flag
from patina.cli.results import add_json_flag, print_result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_flag(parser, "opt", required=True, help="configuration, a path or a name in confs/")
    add_device_flag(parser)
    add_json_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    """Upscale and measure every set of the configuration; print each set's table as soon as it is finished."""
    from patina.pipelines.configured_test import upscale_and_measure

    exit_code, documents = 0, {}
    try:
        for measured in upscale_and_measure(arguments.opt, arguments.device):
            measured.upscaled.print_summary()
            if measured.evaluation is not None:
                documents[measured.name] = measured.evaluation.document()
                if not arguments.json:
                    print(f"{measured.name}\n{measured.evaluation.table()}", flush=True)
                measured.evaluation.report.print_summary()
            exit_code = max(exit_code, measured.exit_code)
    except BaseException:  # also Ctrl-C: what was measured until then is printed
        if arguments.json and documents:
            print_result(arguments, "", documents)
        raise
    if arguments.json:
        print_result(arguments, "", documents)
    return exit_code
