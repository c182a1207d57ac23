"""Flags of `patina fit`, and the requests that they stand for."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from patina.cli.flags import add_device_flag, add_flag, add_recursive_flag
from patina.errors import PatinaError

if TYPE_CHECKING:
    from patina.pipelines.learned_fit import LearnRequest
    from patina.pipelines.recipe_fit import FitRequest


def add_fit_flags(parser: argparse.ArgumentParser) -> None:
    """Add what is fitted to what."""
    parser.add_argument("clean", type=Path, help="folder of clean images: sharp, without noise")
    parser.add_argument("real", type=Path, help="folder of real photos: similar subjects, other scenes")
    add_flag(parser, "out", type=Path, default=Path("fitted.yml"), help="recipe to write")
    add_flag(
        parser, "scale", type=int,
        help="scale of the model to train: 4 for x4, 1 if it does not enlarge; the recipe downscales by it "
        "(default: the family's, 1)",
    )  # fmt: skip
    add_flag(
        parser, "recipe", action="append", metavar="FAMILY",
        help="family to fit, a recipe with free numbers: a path or a name in confs/families/; given several times, "
        "each is tried in turn until one explains the photos "
        "(default: camera, raw-camera, web, web-sharp, camera-lines)",
    )  # fmt: skip
    add_flag(parser, "pictures", type=int, default=100, help="maximum number of photos, drawn at random")
    add_flag(parser, "seed", type=int, default=0, help="seed of all random draws")
    add_recursive_flag(parser)
    add_flag(parser, "workers", type=int, help="number of processes (default: one per core)")


def add_learn_flags(parser: argparse.ArgumentParser) -> None:
    """Add what is learned over the fit."""
    add_flag(
        parser, "learn", metavar="KIND",
        help="also train a learned degradation on what the fit leaves unexplained: deflow, ludvae, ludif, or a "
        "configuration; it becomes the recipe's last step if it brings held-out photos closer",
    )  # fmt: skip
    add_flag(
        parser, "learn_dir", type=Path, metavar="DIR",
        help="folder for the model and intermediate files (default: the recipe's name and -KIND)",
    )  # fmt: skip
    add_device_flag(parser)


def require_learning(arguments: argparse.Namespace) -> None:
    """Refuse flags that need --learn.

    Raises:
        PatinaError: it is missing.
    """
    if arguments.learn is None and arguments.learn_dir is not None:
        raise PatinaError("-learn_dir needs --learn; add --learn KIND, or leave -learn_dir out")


def fit_request(arguments: argparse.Namespace) -> FitRequest:
    """Return what to fit."""
    from patina.fitting.family import DEFAULT_FAMILIES
    from patina.pipelines.recipe_fit import FitRequest

    return FitRequest(
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


def learn_request(arguments: argparse.Namespace) -> LearnRequest | None:
    """Return what to learn over the fit; None for nothing."""
    if arguments.learn is None:
        return None
    from patina.pipelines.learned_fit import LearnRequest

    out: Path = arguments.out
    folder = arguments.learn_dir or out.with_name(f"{out.stem}-{Path(arguments.learn).stem}")
    return LearnRequest(fit_request(arguments), arguments.learn, folder, arguments.device)
