"""Fit a recipe to photos: find the blur, noise, sharpening and compression that make clean images look like them."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from patina.cli.fit_flags import add_fit_flags, add_learn_flags, fit_request, learn_request, require_learning
from patina.cli.flags import add_flag
from patina.cli.results import add_json_flag, print_result
from patina.errors import named
from patina.system.telling import warn

if TYPE_CHECKING:
    from patina.pipelines.learned_fit import LearnedFit, LearnRequest


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_fit_flags(parser)
    add_learn_flags(parser)
    add_flag(parser, "report", type=Path, metavar="DIR", help="also write a page, index.html, and fit.json to DIR")
    add_json_flag(parser)


def check(arguments: argparse.Namespace) -> None:
    """Refuse flags that need others; see `require_learning`."""
    require_learning(arguments)


def run(arguments: argparse.Namespace) -> int:
    """Fit and write the recipe, learn what it leaves; print the findings."""
    from patina.pipelines.recipe_fit import fit_recipe
    from patina.runs.folder_lock import file_lock

    request, more = fit_request(arguments), learn_request(arguments)
    with file_lock(arguments.out, "fit"):
        learned = None if more is None else _learned(more)
        fit = fit_recipe(request) if learned is None else learned.whole
        for name, reason in fit.set_aside:
            warn(named(name, reason))
        if fit.upscaled:
            warn(f"{len(fit.upscaled)} photos look upscaled: {', '.join(fit.upscaled)}")
        values = fit.to_dict() | ({} if learned is None else {"learned": learned.to_dict()})
        print_result(arguments, "\n".join((fit.found, *fit.cautions, f"{request.out}: written")), values)
        if arguments.report is not None:
            from patina.pipelines.fit_report import write_fit_report

            page = write_fit_report(fit, request, arguments.report)
            print(f"{page}: written", file=sys.stderr if arguments.json else sys.stdout)
    return 0


def _learned(request: "LearnRequest") -> "LearnedFit":
    from patina.pipelines.learned_fit import learn_over_fit

    return learn_over_fit(request)
