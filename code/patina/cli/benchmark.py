"""Measure how many pictures a second a recipe makes on this machine."""

import argparse
import tempfile
import time
from pathlib import Path

from patina.cli.degrade import add_recipe_flags, chosen_recipe
from patina.cli.flags import add_device_flag, add_flag
from patina.degradations.recipe import require_models
from patina.errors import require_range
from patina.pipelines.degraded_set import Outputs, chosen_outputs, degrade, longest_variant
from patina.pipelines.recipe_speed import _processor_seconds, make_pictures
from patina.runs.folder_job import checked_workers


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("recipe", help="recipe, a path or a name in confs/recipes/")
    add_flag(parser, "pictures", type=int, default=600, help="how many")
    add_flag(parser, "side", type=int, default=512, help="of the clean pictures, in pixels")
    add_recipe_flags(parser)
    add_flag(parser, "workers", type=int, help="processes (default: one a core)")
    add_device_flag(parser, "where models compute")


def run(arguments: argparse.Namespace) -> int:
    """Make the clean pictures, degrade them, and print the speed."""
    recipe = chosen_recipe(arguments)
    require_models(recipe)
    require_range("pictures", arguments.pictures, 1)
    require_range("side", arguments.side, recipe.scale)
    workers = checked_workers(arguments.workers)
    outputs = (
        chosen_outputs(recipe, arguments.variant)
        if arguments.variant
        else Outputs((longest_variant(recipe),), mixed=False)
    )
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "clean"
        make_pictures(source, arguments.pictures, arguments.side)
        began, busy = time.perf_counter(), _processor_seconds()
        report = degrade(
            recipe, source, Path(folder) / "out", name=arguments.recipe, outputs=outputs,
            workers=workers, device=arguments.device,
        )  # fmt: skip
        seconds, busy = time.perf_counter() - began, _processor_seconds() - busy
    report.print_summary()
    if not report.results:
        return report.exit_code
    variant = ", ".join([*outputs.variants, *(["mixed"] if outputs.mixed else [])])
    made = len(report.results)
    print(
        f"{arguments.recipe} {variant}: {made} pictures of {arguments.side}x{arguments.side} in {seconds:.2f} s with "
        f"{workers} workers: {made / seconds:.1f} a second, {1000 * busy / made:.1f} ms of a core each, start included"
    )
    return report.exit_code
