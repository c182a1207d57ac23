"""Compare what degradations add to the same clean images: std and correlation of the residuals."""

import argparse
from pathlib import Path

from patina.cli.flags import add_flag
from patina.cli.results import add_json_flag, print_result
from patina.errors import PatinaError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_flag(parser, "clean", type=Path, required=True, help="folder of clean images")
    add_flag(
        parser,
        "degraded",
        required=True,
        nargs="+",
        metavar="NAME=DIR",
        help="folder of the same images, degraded, matched by stem",
    )
    add_flag(parser, "out", "out_dir", type=Path, help="folder for noise.md and noise.png")
    add_flag(parser, "flat", action="store_true", help="measure only flat blocks, without edges")
    add_json_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the table; with ``-out`` write it and a sheet of images and amplified residuals."""
    from patina.imaging.picture_files import write_picture
    from patina.pipelines.noise_comparison import noise_sheet, noise_values, table_of_noises
    from patina.system.atomic import write_text

    degraded = dict(map(_named_folder, arguments.degraded))
    values = noise_values(arguments.clean, degraded, flat=arguments.flat)
    table = table_of_noises(values)
    if arguments.out is not None:
        write_text(arguments.out / "noise.md", table + "\n")
        write_picture(arguments.out / "noise.png", noise_sheet(arguments.clean, degraded))
    print_result(arguments, table, values)
    return 0


def _named_folder(given: str) -> tuple[str, Path]:
    name, separator, folder = given.partition("=")
    if not separator:
        raise PatinaError(f"-degraded is {given!r}, expected NAME=DIR, e.g. learned=out/learned")
    return name, Path(folder)
