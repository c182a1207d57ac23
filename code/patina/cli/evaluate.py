"""Measure results against ground truth (GT): one folder image by image, or models compared over test sets."""

import argparse
from pathlib import Path

from patina.cli.flags import add_compute_flags, add_flag
from patina.errors import PatinaError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    folders = parser.add_argument_group("one folder of results")
    add_flag(folders, "results", type=Path, help="folder of results")
    add_flag(folders, "truth", "gt", type=Path, help="folder of GT images, matched by stem")
    models = parser.add_argument_group("models and interpolations over test sets")
    add_flag(models, "opt", help="configuration of the task evaluate, a path or a name in confs/")
    model_help = "model files, or interpolations: nearest, bilinear, bicubic, lanczos"
    add_flag(models, "model", "models", nargs="+", action="extend", metavar="[NAME=]MODEL", help=model_help)
    set_help = "a test set: its name, LQ images and GT; repeat the flag for more"
    add_flag(models, "set", nargs=3, action="append", metavar=("NAME", "LQ", "GT"), help=set_help)
    add_flag(models, "tile", type=int, help="side of a tile in pixels; small tiles need less memory")
    add_compute_flags(models, precision=None)
    add_flag(parser, "out", "out_dir", type=Path, help="folder for the scores and the models' images")
    crop_help = "pixels to crop from every border (default: 0 for a folder, the scale for models)"
    add_flag(parser, "crop_border", "crop", type=int, help=crop_help)
    add_flag(parser, "space", choices=["rgb", "y"], help="measure RGB (default) or luma; LPIPS always uses RGB")
    add_flag(parser, "no_lpips", action="store_true", help="skip LPIPS, which needs published weights")


def run(arguments: argparse.Namespace) -> int:
    """Measure a folder, or compare models; print the table and write the scores."""
    if arguments.opt or arguments.model or arguments.set:
        return _compare(arguments)
    from patina.pipelines.evaluation import FolderEvaluationRequest, evaluate

    if not (arguments.results and arguments.truth):
        raise PatinaError("give -results and -truth for one folder, or -model and -set (or -opt) to compare models")
    for name in ("tile", "precision"):
        if getattr(arguments, name) is not None:
            raise PatinaError(f"-{name} is for models; omit it to measure one folder")
    given = {name: getattr(arguments, name) for name in ("results", "out", "crop_border", "space", "device")}
    evaluation = evaluate(FolderEvaluationRequest(gt=arguments.truth, lpips=not arguments.no_lpips, **given))
    print(evaluation.table())
    evaluation.report.print_summary()
    return evaluation.report.exit_code


def _compare(arguments: argparse.Namespace) -> int:
    from patina.pipelines.model_comparison import ComparisonRequest, compare_models

    if arguments.results or arguments.truth:
        raise PatinaError("-results and -truth are for one folder; omit them to compare models")
    names = ("out", "crop_border", "space", "tile", "precision", "device")
    given = {name: getattr(arguments, name) for name in names}
    models, sets = tuple(arguments.model or ()), tuple(map(tuple, arguments.set or ()))
    comparison = compare_models(ComparisonRequest(arguments.opt, models, sets, lpips=not arguments.no_lpips, **given))
    print(comparison.table())
    return comparison.exit_code
