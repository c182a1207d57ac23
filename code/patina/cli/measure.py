"""Measure photos: noise, blur, sharpening and compression of each, as a table."""

import argparse
from pathlib import Path

from patina.cli.flags import add_flag, add_recursive_flag, add_shard_flag, shard_path
from patina.cli.results import add_json_flag, print_result
from patina.errors import PatinaError
from patina.system.telling import tell
from patina.system.text_layout import terminal_width


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("real", type=Path, help="folder of photos, or one photo")
    add_flag(parser, "pictures", type=int, help="maximum number of photos, drawn at random (default: all)")
    add_flag(parser, "seed", type=int, default=0, help="seed of the choice of photos")
    add_flag(parser, "csv", type=Path, help="also write the table to this file")
    add_flag(parser, "noise_patches", type=Path, help="also collect the photos' quiet patches in this .npz file")
    add_recursive_flag(parser)
    add_shard_flag(parser)
    add_flag(parser, "workers", type=int, help="number of processes (default: one per core)")
    add_json_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the table of all photos that can be measured."""
    from patina.pipelines.photo_measurement import (
        PhotoRequest,
        collect_noise,
        measure_photos,
        photo_row,
        photo_table,
        printed_table,
        shard_note,
    )
    from patina.runs.worker_processes import checked_workers
    from patina.system.atomic import write_text

    if arguments.shard is not None and arguments.csv is None:
        raise PatinaError("-shard needs a table to write; add -csv FILE")
    if arguments.shard is not None and arguments.noise_patches is not None:
        raise PatinaError("-noise_patches needs all photos; leave -shard out")
    workers = checked_workers(arguments.workers)
    given = (arguments.real, arguments.recursive, arguments.pictures, arguments.seed)
    request = PhotoRequest(*given, workers, arguments.shard)
    report = measure_photos(request)
    if arguments.csv is not None:
        remark = "" if arguments.shard is None else shard_note(request).to_line()
        write_text(shard_path(arguments, arguments.csv), remark + photo_table(report.results))
    if arguments.noise_patches is not None:
        quiet = [len(patches) for patches in collect_noise(request, arguments.noise_patches).results]
        tell(f"{arguments.noise_patches}: {sum(quiet)} quiet patches of {sum(map(bool, quiet))} of {len(quiet)} photos")
    rows = [photo_row(photo) for photo in report.results]
    print_result(arguments, printed_table(rows, terminal_width()), rows)
    report.print_summary()
    return report.exit_code
