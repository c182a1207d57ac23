"""Degrade a folder of clean images by a recipe, and log everything that was drawn."""

import argparse
import time
from pathlib import Path

from patina.cli.flags import add_device_flag, add_flag, add_output_flags, add_source_flags, output_fields, shard_path
from patina.cli.recipe_flags import add_recipe_arguments, add_recipe_flags, add_set_flags, recipe_choice
from patina.cli.results import add_json_flag, print_job
from patina.errors import counted
from patina.system.telling import tell


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_recipe_arguments(parser)
    parser.add_argument("source", type=Path, help="clean images or clips: a folder, one file, tars or an LMDB")
    parser.add_argument("out", type=Path, help="output folder (variants get subfolders), or tars: shards/%%06d.tar")
    add_output_flags(parser)
    add_source_flags(parser)
    add_flag(parser, "seed", type=int, default=0, help="seed of all draws; a result depends on it and on the file name")
    add_flag(parser, "pictures", type=int, metavar="N", help="degrade only the first N images (default: all)")
    add_recipe_flags(parser)
    add_set_flags(parser)
    add_flag(parser, "workers", type=int, help="number of processes (default: one per core)")
    add_device_flag(parser, "device for models")
    add_json_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    """Degrade all images whose results are missing or outdated."""
    from patina.pipelines.degraded_clips import degrade_anything
    from patina.pipelines.degraded_set import DegradeRequest

    began = time.perf_counter()
    request = DegradeRequest(
        recipe_choice(arguments),
        arguments.source,
        **output_fields(arguments, arguments.out),
        seed=arguments.seed,
        limit=arguments.pictures,
        recursive=arguments.recursive,
        all_frames=arguments.frames == "all",
        ground_truth=None if arguments.gt is None else shard_path(arguments, arguments.gt),
        workers=arguments.workers,
        device=arguments.device,
        clip=arguments.clip,
        drift=arguments.drift,
    )
    report = degrade_anything(request)
    print_job(arguments, request.out, report)
    if not report.results:
        report.print_made(request.out)
    elif not (made := sum(len(result.entries) for result in report.results)):  # only ground truth was missing
        tell(f"{request.ground_truth}: {counted(len(report.results), 'image')} made")
    else:
        count, seconds = len(report.results), time.perf_counter() - began
        tell(f"{request.out}: {counted(made, report.noun)} from {count}, {count / seconds:.1f} per second")
    return report.exit_code
