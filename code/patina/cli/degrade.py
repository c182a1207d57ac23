"""Make low-quality pictures of a folder of clean ones by a recipe, and write down all that was drawn."""

import argparse
import sys
import time
from pathlib import Path

from patina.cli.flags import add_device_flag, add_flag, add_recursive_flag
from patina.cli.recipe_flags import add_recipe_arguments, add_recipe_flags, recipe_choice


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_recipe_arguments(parser)
    parser.add_argument("source", type=Path, help="folder of clean pictures, or one picture")
    parser.add_argument("out", type=Path, help="folder for the results; one folder in it for each variant")
    add_recursive_flag(parser)
    add_flag(parser, "seed", type=int, default=0, help="of all draws; with the file's name it decides the result")
    add_flag(parser, "pictures", type=int, help="only the first so many, to try a recipe; without it the rest follows")
    add_flag(parser, "gt", type=Path, help="folder for the clean pictures, cropped to fit the results exactly")
    add_recipe_flags(parser)
    add_flag(parser, "workers", type=int, help="processes (default: one a core)")
    add_device_flag(parser, "where models compute")


def run(arguments: argparse.Namespace) -> int:
    """Degrade every picture of a folder that is not yet degraded."""
    from patina.pipelines.degraded_set import DegradeRequest, degrade

    began = time.perf_counter()
    request = DegradeRequest(
        recipe=recipe_choice(arguments),
        source=arguments.source,
        out=arguments.out,
        seed=arguments.seed,
        limit=arguments.pictures,
        recursive=arguments.recursive,
        ground_truth=arguments.gt,
        workers=arguments.workers,
        device=arguments.device,
    )
    report = degrade(request)
    report.print_summary()
    if not report.results:
        report.print_made(request.out)
        return report.exit_code
    made = sum(len(result.entries) for result in report.results)
    if not made:  # only ground truth was missing
        print(f"{request.ground_truth}: {len(report.results)} ground-truth pictures made", file=sys.stderr)
        return report.exit_code
    speed = len(report.results) / (time.perf_counter() - began)
    print(f"{request.out}: {made} pictures from {len(report.results)}, {speed:.1f} a second", file=sys.stderr)
    return report.exit_code
