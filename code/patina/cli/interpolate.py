"""Blend two models of one architecture: every weight is (1 - alpha) times A's plus alpha times B's."""

import argparse
from pathlib import Path

from patina.cli.flags import add_flag
from patina.errors import PatinaError
from patina.models.generators import interpolated, save_generator
from patina.runs.run_models import label_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("a", metavar="A", help="a model file that spandrel reads, e.g. of a PSNR-oriented training")
    parser.add_argument("b", metavar="B", help="another one of the same architecture and size, e.g. of a GAN")
    add_flag(parser, "alpha", type=float, required=True, help="0 gives A, 1 gives B")
    default = "A-B-alpha.safetensors beside B, models of a run named by their run"
    add_flag(parser, "out", help=f"file to write, .safetensors or .pth (default: {default})")


def run(arguments: argparse.Namespace) -> int:
    """Write the blended model."""
    a, b, alpha = Path(arguments.a), Path(arguments.b), arguments.alpha
    if not 0 <= alpha <= 1:
        raise PatinaError(f"alpha is {alpha:g}, expected 0 (all of {label_of(a)}) to 1 (all of {label_of(b)})")
    out = Path(arguments.out) if arguments.out else b.with_name(f"{label_of(a)}-{label_of(b)}-{alpha:g}.safetensors")
    for source in (a, b):
        if out.resolve() == source.resolve():
            raise PatinaError(f"{out}: would overwrite a model that it is made of; give another -out")
    if out.exists():
        raise PatinaError(f"{out} exists; give another -out, or remove it")
    save_generator(interpolated(a, b, alpha), out, {"interpolated": f"{1 - alpha:g} {a.name} + {alpha:g} {b.name}"})
    print(out)
    return 0
