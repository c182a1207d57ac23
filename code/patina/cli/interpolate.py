"""Blend two models of one architecture: every weight is (1 - alpha) times that of A plus alpha times that of B."""

import argparse
from pathlib import Path

from patina.cli.flags import add_flag
from patina.cli.results import add_json_flag, print_result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("a", metavar="A", type=Path, help="model file that spandrel reads, e.g. a PSNR-oriented one")
    parser.add_argument("b", metavar="B", type=Path, help="model file of the same architecture and size, e.g. a GAN")
    add_flag(parser, "alpha", type=float, required=True, help="0 gives A, 1 gives B")
    default = "A-B-alpha.safetensors beside B"
    add_flag(parser, "out", type=Path, help=f"file to write, .safetensors or .pth (default: {default})")
    add_json_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the blended model."""
    from patina.pipelines.model_interpolation import interpolate

    made = interpolate(arguments.a, arguments.b, arguments.alpha, arguments.out)
    print_result(arguments, str(made), {"model": str(made), "alpha": arguments.alpha})
    return 0
