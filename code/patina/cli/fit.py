"""Fit a recipe to photos: find the blur, noise, sharpening and compression that make clean pictures look like them."""

import argparse
import json
import sys
from pathlib import Path

from patina.cli.flags import add_flag, add_recursive_flag


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("clean", type=Path, help="folder of clean images, which the recipe downscales by -scale")
    parser.add_argument("real", type=Path, help="folder of real photos; they may show other subjects")
    add_flag(parser, "out", type=Path, default=Path("fitted.yml"), help="recipe to write")
    add_flag(parser, "scale", type=int, help="downscaling factor of the recipe (default: the family's, 1)")
    add_flag(
        parser, "recipe", action="append", metavar="FAMILY",
        help="recipe with free numbers, a path or a name in confs/families/; given several times, each "
        "is tried in turn until one explains the photos (default: camera, then raw-camera)",
    )  # fmt: skip
    add_flag(parser, "pictures", type=int, default=100, help="maximum number of photos, drawn at random")
    add_flag(parser, "seed", type=int, default=0, help="seed of everything that is drawn")
    add_recursive_flag(parser)
    add_flag(parser, "workers", type=int, help="number of processes (default: one per core)")
    add_flag(parser, "report", type=Path, metavar="DIR", help="also write a page, index.html, and fit.json to DIR")
    parser.add_argument("--json", action="store_true", help="print all numbers as JSON, and nothing else")


def run(arguments: argparse.Namespace) -> int:
    """Fit and write the recipe; print the findings."""
    from patina.fitting.family import DEFAULT_FAMILIES
    from patina.pipelines.recipe_fit import FitRequest, fit_recipe
    from patina.runs.folder_lock import file_lock

    request = FitRequest(
        clean=arguments.clean,
        real=arguments.real,
        out=arguments.out,
        families=tuple(arguments.recipe or DEFAULT_FAMILIES),
        scale=arguments.scale,
        pictures=arguments.pictures,
        seed=arguments.seed,
        recursive=arguments.recursive,
        workers=arguments.workers,
    )
    with file_lock(arguments.out, "fit"):
        fit = fit_recipe(request)
        for name, reason in fit.set_aside:
            print(reason if name in reason else f"{name}: {reason}", file=sys.stderr)
        if fit.upscaled:
            print(f"{len(fit.upscaled)} photos look upscaled: {', '.join(fit.upscaled)}", file=sys.stderr)
        print(json.dumps(fit.to_dict(), indent=1) if arguments.json else f"{fit.summary}\n{request.out}: written")
        if arguments.report is not None:
            from patina.pipelines.fit_report import write_fit_report

            page = write_fit_report(fit, request, arguments.report)
            print(f"{page}: written", file=sys.stderr if arguments.json else sys.stdout)
    return 0
