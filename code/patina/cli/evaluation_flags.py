"""Flags of `patina evaluate`, and which of them go together."""

import argparse
from pathlib import Path

from patina.cli.flags import add_compute_flags, add_flag, add_shard_flag, check_flags
from patina.imaging.interpolation_names import INTERPOLATIONS

_USE = "give -results and -truth for one folder, or -model, -set and -out (or -opt) to compare models"


def add_folder_flags(parser: argparse.ArgumentParser) -> None:
    """Add what measures one folder."""
    folders = parser.add_argument_group("one folder of results")
    add_flag(folders, "results", type=Path, help="folder of results")
    add_flag(folders, "truth", "gt", type=Path, help="folder of GT images, matched by stem")
    add_shard_flag(folders)


def add_comparison_flags(parser: argparse.ArgumentParser) -> None:
    """Add what compares models."""
    models = parser.add_argument_group("models and interpolations over test sets")
    add_flag(models, "opt", help="configuration of the task evaluate, a path or a name in confs/")
    known = f"model files, or interpolations: {', '.join(INTERPOLATIONS)}"
    add_flag(models, "model", "models", nargs="+", action="extend", metavar="[NAME=]MODEL", help=known)
    add_flag(models, "set", nargs=3, action="append", metavar=("NAME", "LQ", "GT"), help="a test set; may be repeated")
    add_flag(models, "tile", type=int, help="side of a tile in pixels, against lack of memory (default: whole images)")
    add_compute_flags(models, precision=None)


def require_together(arguments: argparse.Namespace) -> None:
    """Refuse flags that are missing or do not belong together.

    Raises:
        PatinaError: says which.
    """
    if arguments.opt or arguments.model or arguments.set:
        needed = () if arguments.opt else ("model", "set", "out")
        check_flags(arguments, "a comparison", needed=needed, foreign=("results", "truth", "shard"), use=_USE)
    else:
        check_flags(arguments, "one folder", needed=("results", "truth"), foreign=("tile", "precision"), use=_USE)
