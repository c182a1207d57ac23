"""What `patina upscale` upscales, by what, and where to; all but the images may be left out."""

import argparse
from pathlib import Path

from patina.cli.flags import add_compute_flags, add_flag, add_source_flags
from patina.errors import PatinaError
from patina.imaging.interpolation_names import BACKENDS, INTERPOLATIONS, OVERLAP, TILE
from patina.shipped import MODELS

OUT = Path("upscaled")
"""The folder of results where none is given."""


def add_what_flags(parser: argparse.ArgumentParser) -> None:
    """Add the images, the model, the output folder and the scale."""
    parser.add_argument("images", nargs="?", type=Path, metavar="SOURCE", help="images or clips, the same as -source")
    shipped = ", ".join(MODELS.values())
    add_flag(
        parser, "model", "model_path",
        help=f"model file, a model that comes with Patina ({shipped}), or one of {', '.join(INTERPOLATIONS)} (default: "
        "the one that comes with Patina for -scale, or for 2)",
    )  # fmt: skip
    add_flag(parser, "source", "source_dir", type=Path, help="images or clips: folder, file, tars, LMDB")
    add_source_flags(parser)
    add_flag(
        parser, "out", "out_dir", type=Path, default=OUT, help="output folder, or tars: shards/%%06d.tar"
    )  # fmt: skip
    add_flag(parser, "scale", type=int, help="factor of an interpolation or included model (default: the model's)")


def add_network_flags(parser: argparse.ArgumentParser) -> None:
    """Add how a network computes: its tiles, its sampling, the device, the precision, and by what."""
    add_flag(parser, "tile", type=int, help=f"side of a tile in pixels (default: {TILE}); small tiles need less memory")
    add_flag(parser, "overlap", type=int, help=f"overlap of tiles in pixels (default: {OVERLAP})")
    add_flag(parser, "sampler", choices=["ddpm", "ddim"], help="sampler of a diffusion model (default: its own)")
    add_flag(parser, "steps", type=int, help="sampling steps of a diffusion model (default: its own)")
    add_compute_flags(parser)
    add_flag(
        parser, "backend", default="auto", choices=BACKENDS,
        help="what computes a network on a processor; auto: openvino where it is installed and was measured faster for "
        "this architecture, else torch",
    )  # fmt: skip


def complete(arguments: argparse.Namespace) -> None:
    """Fill in the images and the model.

    Raises:
        PatinaError: no images are given, or twice, or no model comes with Patina for the scale.
    """
    if (arguments.images is None) == (arguments.source is None):
        found = "no images are given" if arguments.images is None else "images are given twice"
        raise PatinaError(f"{found}; expected them once: patina upscale photo.jpg, or -source FOLDER")
    arguments.source = arguments.source or arguments.images
    if arguments.model is None:
        scale = arguments.scale or 2
        if scale not in MODELS:
            known = " and ".join(map(str, MODELS))
            raise PatinaError(f"no model for -scale {scale} comes with Patina, only for {known}; give one as -model")
        arguments.model = MODELS[scale]
