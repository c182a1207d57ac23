"""Measure results against ground truth (GT): one folder image by image, or models compared over test sets."""

import argparse
from pathlib import Path

from patina.cli.flags import add_compute_flags, add_flag, add_shard_flag, check_flags, shard_path

_USE = "give -results and -truth for one folder, or -model, -set and -out (or -opt) to compare models"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    folders = parser.add_argument_group("one folder of results")
    add_flag(folders, "results", type=Path, help="folder of results")
    add_flag(folders, "truth", "gt", type=Path, help="folder of GT images, matched by stem")
    add_shard_flag(folders)
    models = parser.add_argument_group("models and interpolations over test sets")
    add_flag(models, "opt", help="configuration of the task evaluate, a path or a name in confs/")
    known = "model files, or interpolations: nearest, bilinear, bicubic, lanczos"
    add_flag(models, "model", "models", nargs="+", action="extend", metavar="[NAME=]MODEL", help=known)
    add_flag(models, "set", nargs=3, action="append", metavar=("NAME", "LQ", "GT"), help="a test set; may be repeated")
    add_flag(models, "tile", type=int, help="side of a tile in pixels; small tiles need less memory")
    add_compute_flags(models, precision=None)
    add_flag(parser, "out", "out_dir", type=Path, help="folder for the scores and the models' images")
    add_flag(parser, "crop_border", "crop", type=int, help="pixels cut off every border (default: 0; models: scale)")
    add_flag(parser, "space", choices=["rgb", "y"], help="measure RGB (default) or luma; LPIPS always uses RGB")
    add_flag(parser, "no_lpips", action="store_true", help="skip LPIPS, which needs published weights")


def check(arguments: argparse.Namespace) -> None:
    """Refuse flags that are missing or do not belong together."""
    if arguments.opt or arguments.model or arguments.set:
        needed = () if arguments.opt else ("model", "set", "out")
        check_flags(arguments, "a comparison", needed=needed, foreign=("results", "truth", "shard"), use=_USE)
    else:
        check_flags(arguments, "one folder", needed=("results", "truth"), foreign=("tile", "precision"), use=_USE)


def run(arguments: argparse.Namespace) -> int:
    """Measure a folder, or compare models; print the table and write the scores."""
    from patina.pipelines.evaluation import FolderEvaluationRequest, evaluate

    if not arguments.results:
        return _compare(arguments)
    given = {name: getattr(arguments, name) for name in ("results", "crop_border", "space", "device", "shard")}
    out = shard_path(arguments, arguments.out or arguments.results)
    request = FolderEvaluationRequest(gt=arguments.truth, out=out, lpips=not arguments.no_lpips, **given)
    print((evaluation := evaluate(request)).table())
    evaluation.report.print_summary()
    return evaluation.report.exit_code


def _compare(arguments: argparse.Namespace) -> int:
    from patina.pipelines.model_comparison import ComparisonRequest, compare_models

    given = {name: getattr(arguments, name) for name in ("out", "crop_border", "space", "tile", "precision", "device")}
    models, sets = tuple(arguments.model or ()), tuple(map(tuple, arguments.set or ()))
    comparison = compare_models(ComparisonRequest(arguments.opt, models, sets, lpips=not arguments.no_lpips, **given))
    print(comparison.table())
    return comparison.exit_code
