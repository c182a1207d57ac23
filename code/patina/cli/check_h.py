"""Measure which map h (DeFlow's condition of an image) hides the domain and keeps the content, and recommend one."""

import argparse
import json
from pathlib import Path

from patina.cli.flags import add_flag
from patina.experiments.condition_report import report
from patina.experiments.condition_search import ConditionSearchRequest, search_conditions
from patina.system.atomic import write_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("clean", type=Path, metavar="CLEAN", help="folder of clean pictures, at the images' size")
    parser.add_argument("real", type=Path, metavar="REAL", help="folder of real pictures")
    add_flag(parser, "opt", required=True, help="configuration of the DeFlow that h is for")
    add_flag(
        parser, "candidates", type=Path, help="YAML file with a list of steps for every name; default: a built-in list"
    )
    add_flag(parser, "pictures", type=int, default=48, help="most pictures of each folder")
    add_flag(parser, "side", type=int, default=512, help="larger pictures are cropped to their centre, so many pixels")
    add_flag(parser, "seed", type=int, default=0, help="of noise, patches and networks")
    add_flag(parser, "judge_steps", type=int, default=200, help="training steps of the classifier")
    add_flag(parser, "inverse_steps", type=int, default=400, help="training steps of the inverse")
    add_flag(parser, "out", type=Path, help="file for the table, Markdown; the numbers go beside it as JSON")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON, and nothing else")


def run(arguments: argparse.Namespace) -> int:
    """Measure every candidate; print the table and the recommendation."""
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
    text, numbers = report(result), json.dumps(result.values(), indent=1)
    if arguments.out is not None:
        write_text(arguments.out, text + "\n")
        write_text(arguments.out.with_suffix(".json"), numbers + "\n")
    print(numbers if arguments.json else text)
    return 0
