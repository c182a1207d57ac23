"""Measure results with or without ground truth (GT): a folder image by image, or models compared over test sets."""

import argparse
from pathlib import Path

from patina.cli.evaluation_flags import (
    add_comparison_flags,
    add_folder_flags,
    add_measure_flags,
    require_together,
    wanted_metrics,
)
from patina.cli.flags import add_flag, shard_path
from patina.cli.results import add_json_flag, print_result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_folder_flags(parser)
    add_comparison_flags(parser)
    add_flag(parser, "out", "out_dir", type=Path, help="folder for scores and the models' images (default: -results)")
    add_flag(parser, "crop_border", "crop", type=int, help="pixels to crop from every border (default: the scale)")
    add_measure_flags(parser)
    add_flag(parser, "no_lpips", action="store_true", help="skip LPIPS, which needs published weights")
    add_json_flag(parser)


def check(arguments: argparse.Namespace) -> None:
    """Refuse flags that do not go together; see `require_together`."""
    require_together(arguments)


def run(arguments: argparse.Namespace) -> int:
    """Measure a folder, or compare models; print the table and write the scores."""
    from patina.pipelines.evaluation import FolderEvaluationRequest, evaluate

    if not arguments.results:
        return _compare(arguments)
    names = ("results", "scale", "against", "crop_border", "space", "device", "shard", "template")
    given = {name: getattr(arguments, name) for name in names} | {"metrics": wanted_metrics(arguments)}
    out = shard_path(arguments, arguments.out or arguments.results)
    request = FolderEvaluationRequest(gt=arguments.truth, out=out, lpips=not arguments.no_lpips, **given)
    evaluation = evaluate(request)
    print_result(arguments, evaluation.table(), evaluation.document())
    evaluation.report.print_summary()
    return evaluation.report.exit_code


def _compare(arguments: argparse.Namespace) -> int:
    from patina.pipelines.model_comparison import ComparisonRequest, compare_models

    given = {name: getattr(arguments, name) for name in ("out", "crop_border", "space", "tile", "precision", "device")}
    given["metrics"] = wanted_metrics(arguments)
    models, sets = tuple(arguments.model or ()), tuple(map(tuple, arguments.set or ()))
    request = ComparisonRequest(
        arguments.opt, models, sets, arguments.template, lpips=not arguments.no_lpips, **given
    )  # fmt: skip
    comparison = compare_models(request)
    print_result(arguments, comparison.table(), comparison.document())
    return comparison.exit_code
