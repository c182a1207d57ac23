"""Flags of `patina evaluate`, and which of them go together."""

import argparse
from pathlib import Path

from patina.cli.flags import add_compute_flags, add_flag, add_shard_flag, check_flags
from patina.imaging.interpolation_names import INTERPOLATIONS
from patina.metrics.measure_names import BY_IMAGE, BY_SET

_USE = "give -results, and -truth if there is one, for one folder, or -model, -set and -out (or -opt) to compare models"


def add_folder_flags(parser: argparse.ArgumentParser) -> None:
    """Add what measures one folder."""
    folders = parser.add_argument_group("one folder of results")
    add_flag(folders, "results", type=Path, help="folder of results")
    add_flag(
        folders, "truth", "gt", type=Path, help="folder of GT images, matched by stem; without it, NIQE is measured"
    )
    add_flag(folders, "scale", type=int, help="scale of the results; this many pixels are cropped from every border")
    add_flag(
        folders, "against", type=Path,
        help="folder of images of any scenes to which FID, KID and EfficientNet's distances compare (default: -truth)",
    )  # fmt: skip
    add_shard_flag(folders)


def add_comparison_flags(parser: argparse.ArgumentParser) -> None:
    """Add what compares models."""
    models = parser.add_argument_group("models and interpolations over test sets")
    add_flag(models, "opt", help="configuration of the task evaluate, a path or a name in confs/")
    known = f"model files, or interpolations: {', '.join(INTERPOLATIONS)}"
    add_flag(models, "model", "models", nargs="+", action="extend", metavar="[NAME=]MODEL", help=known)
    add_flag(models, "set", nargs=3, action="append", metavar=("NAME", "LQ", "GT"), help="a test set; may be repeated")
    add_flag(
        models, "tile", type=int, help="side of a tile in pixels; small tiles need less memory (default: whole images)"
    )
    add_compute_flags(models, precision=None)


def add_measure_flags(parser: argparse.ArgumentParser) -> None:
    """Add how images are matched, and what is measured."""
    add_flag(
        parser, "space", choices=["rgb", "y"],
        help="rgb (default), with PSNR and SSIM also on luma, or y: luma alone; metrics with a network always get RGB",
    )  # fmt: skip
    add_flag(
        parser, "template",
        help="how results, or the LQ images of test sets, are named after their GT: {}_out or {}x2 (default: {})",
    )  # fmt: skip
    add_flag(
        parser, "metrics", nargs="+", choices=[*BY_IMAGE, *BY_SET], metavar="METRIC",
        help=f"metrics, out of {', '.join([*BY_IMAGE, *BY_SET])} (default: the first six; without -truth, niqe)",
    )  # fmt: skip


def wanted_metrics(arguments: argparse.Namespace) -> tuple[str, ...] | None:
    """Return what was asked for, in the order of tables."""
    wanted = arguments.metrics
    return tuple(key for key in (*BY_IMAGE, *BY_SET) if key in wanted) if wanted else None


def require_together(arguments: argparse.Namespace) -> None:
    """Refuse flags that are missing or do not belong together.

    Raises:
        PatinaError: says which.
    """
    if arguments.opt or arguments.model or arguments.set:
        needed = () if arguments.opt else ("model", "set", "out")
        check_flags(
            arguments,
            "a comparison",
            needed=needed,
            foreign=("results", "truth", "scale", "against", "shard"),
            use=_USE,
        )
    else:
        check_flags(arguments, "one folder", needed=("results",), foreign=("tile", "precision"), use=_USE)
