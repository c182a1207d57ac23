"""Fit the strength of a trained degradation to photos; every image then draws the strength of one photo."""

import argparse
from pathlib import Path

from patina.cli.flags import add_flag, add_recursive_flag
from patina.cli.results import add_json_flag, print_result
from patina.errors import named
from patina.system.telling import warn


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("model", type=Path, help="model file of a DeFlow or a LUD-VAE")
    parser.add_argument("clean", type=Path, help="folder of clean images that the model degrades")
    parser.add_argument("real", type=Path, help="folder of real photos of the same scale; they may show other subjects")
    add_flag(parser, "out", type=Path, required=True, help="model file to write, .safetensors")
    add_flag(parser, "pictures", type=int, default=100, help="maximum number of photos, drawn at random")
    add_flag(parser, "seed", type=int, default=0, help="seed of all random draws")
    add_recursive_flag(parser)
    add_flag(parser, "workers", type=int, help="number of processes (default: one per core)")
    add_json_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    """Fit the strength, write the model, and print the range of every knob."""
    from patina.pipelines.model_strength import StrengthRequest, store_strength

    request = StrengthRequest(
        arguments.model, arguments.clean, arguments.real, arguments.out, arguments.pictures, arguments.seed,
        arguments.recursive, arguments.workers,
    )  # fmt: skip
    found = store_strength(request)
    for name, reason in found.fit.set_aside:
        warn(named(name, reason))
    told = [
        f"{name}: {low:g} to {high:g} in 80 % of {len(found.fit.photos)} photos"
        for name, (low, high) in found.ranges.items()
    ]
    values = {"model": str(request.out), "knobs": found.knobs, "ranges": found.ranges, "fit": found.fit.to_dict()}
    print_result(arguments, "\n".join([*told, f"{request.out}: written"]), values)
    return 0
