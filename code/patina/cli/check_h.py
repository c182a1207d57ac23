"""Measure which map h (from an image to DeFlow's condition) hides the domain and keeps content; recommend one."""

import argparse
import json
from pathlib import Path

from patina.cli.flags import add_flag
from patina.cli.results import add_json_flag, print_result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("clean", type=Path, metavar="CLEAN", help="folder of clean images, at DeFlow's image size")
    parser.add_argument("real", type=Path, metavar="REAL", help="folder of real images")
    add_flag(parser, "opt", required=True, help="configuration of the DeFlow")
    add_flag(
        parser, "candidates", type=Path, help="YAML file with a list of steps by name (default: built-in candidates)"
    )
    add_flag(parser, "pictures", type=int, default=48, help="maximum number of images per folder")
    add_flag(parser, "side", type=int, default=512, help="larger images are center-cropped to this many pixels")
    add_flag(parser, "seed", type=int, default=0, help="seed of noise, patches and networks")
    add_flag(parser, "judge_steps", type=int, default=200, help="training steps of the classifier")
    add_flag(parser, "inverse_steps", type=int, default=400, help="training steps of the network that inverts h")
    add_flag(parser, "out", type=Path, help="Markdown file for the table; a JSON file is written beside it")
    add_json_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure every candidate; print the table and the recommendation."""
    from patina.experiments.condition_report import report
    from patina.experiments.condition_search import ConditionSearchRequest, search_conditions
    from patina.system.atomic import write_text

    request = ConditionSearchRequest(
        config=arguments.opt,
        clean=arguments.clean,
        real=arguments.real,
        candidates=arguments.candidates,
        pictures=arguments.pictures,
        side=arguments.side,
        seed=arguments.seed,
        classifier_steps=arguments.judge_steps,
        inverse_steps=arguments.inverse_steps,
    )
    result = search_conditions(request)
    text, values = report(result), result.values()
    if arguments.out is not None:
        write_text(arguments.out, text + "\n")
        write_text(arguments.out.with_suffix(".json"), json.dumps(values, indent=1) + "\n")
    print_result(arguments, text, values)
    return 0
