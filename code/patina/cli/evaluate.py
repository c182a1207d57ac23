"""Measure results against the truth: one folder picture by picture, or models and interpolations over test sets."""

import argparse
from pathlib import Path

from patina.cli.flags import add_compute_flags, add_flag
from patina.errors import PatinaError
from patina.pipelines.scores import evaluate_folders
from patina.runs.run_models import label_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    folders = parser.add_argument_group("one folder of results")
    add_flag(folders, "results", help="folder of results")
    add_flag(folders, "truth", "gt", help="folder of ground truth, matched by stem")
    models = parser.add_argument_group("models and interpolations over test sets")
    add_flag(models, "opt", help="configuration of the task evaluate, a path or a name in confs/")
    add_flag(
        models, "model", "models", nargs="+", action="extend", metavar="[NAME=]MODEL",
        help="model files, or interpolations: nearest, bilinear, bicubic, lanczos",
    )  # fmt: skip
    add_flag(
        models, "set", nargs=3, action="append", metavar=("NAME", "LQ", "GT"),
        help="a test set: its name, low-quality pictures and ground truth; give it again for more",
    )  # fmt: skip
    add_flag(models, "tile", type=int, help="side of a tile in pixels; less needs less memory")
    add_compute_flags(models, precision=None)
    add_flag(parser, "out", "out_dir", help="folder for the scores, and for the pictures of models")
    add_flag(
        parser, "crop_border", "crop", type=int,
        help="pixels to cut from every side first (default: 0 for a folder, the scale for models)",
    )  # fmt: skip
    add_flag(parser, "space", choices=["rgb", "y"], help="MSE, PSNR and SSIM on RGB (default) or on luma")
    add_flag(parser, "no_lpips", action="store_true", help="leave LPIPS out, which needs published weights")


def run(arguments: argparse.Namespace) -> int:
    """Compare two folders, or models; print the table and write the scores."""
    if arguments.opt or arguments.model or arguments.set:
        return _run_comparison(arguments)
    if not (arguments.results and arguments.truth):
        raise PatinaError("give -results and -truth for one folder, or -model and -set (or -opt) to compare models")
    for name in ("tile", "precision"):
        if getattr(arguments, name) is not None:
            raise PatinaError(f"-{name} is of models; leave it out to measure one folder")
    evaluation = evaluate_folders(
        Path(arguments.results),
        Path(arguments.truth),
        crop=arguments.crop_border or 0,
        space=arguments.space or "rgb",
        lpips=not arguments.no_lpips,
        device=arguments.device,
    )
    evaluation.write(Path(arguments.out or arguments.results))
    print(evaluation.table())
    evaluation.report.print_summary()
    return evaluation.report.exit_code


def _run_comparison(arguments: argparse.Namespace) -> int:
    # Torch and all models are loaded only here.
    from patina.pipelines.model_comparison import compare
    from patina.specs.configuration import load_config, parse_config

    if arguments.results or arguments.truth:
        raise PatinaError("-results and -truth are of one folder; leave them out to compare models")
    if arguments.opt:
        if arguments.model or arguments.set:
            raise PatinaError("-opt says which models and sets; leave -model and -set out")
        config = load_config(arguments.opt)
        if config.task != "evaluate":
            raise PatinaError(f"{arguments.opt}: task is {config.task}, expected evaluate")
        values = config.model_dump(mode="json")
    else:
        values = _comparison_values(arguments)
    config = parse_config(values | _changes(arguments), "command line")
    comparison = compare(config, arguments.device)
    comparison.write(config.out)
    print(comparison.table())
    return comparison.exit_code


def _comparison_values(arguments: argparse.Namespace) -> dict[str, object]:
    """Return the flags as a configuration."""
    for name in ("model", "set", "out"):
        if not getattr(arguments, name):
            raise PatinaError(f"-{name} is missing; models are compared by -model, -set and -out, or by -opt")
    named = [each.rpartition("=")[::2] for each in arguments.model]
    return {
        "task": "evaluate",
        "name": "comparison",
        "models": [{"name": name or label_of(Path(model)), "model": model} for name, model in named],
        "sets": [{"name": name, "lq": lq, "gt": gt} for name, lq, gt in arguments.set],
        "precision": "auto",
    }


def _changes(arguments: argparse.Namespace) -> dict[str, object]:
    """Return what flags say of how to compare."""
    given = {name: getattr(arguments, name) for name in ("out", "crop_border", "space", "tile", "precision")}
    return {name: value for name, value in given.items() if value is not None} | (
        {"lpips": False} if arguments.no_lpips else {}
    )
