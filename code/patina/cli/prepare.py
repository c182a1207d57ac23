"""Make an image set: every image at several sizes with channel statistics, tiles for training, or test sets."""

import argparse
from pathlib import Path

from patina.cli.flags import add_flag, add_recursive_flag, add_shard_flag, add_tar_flags, shard_path, tar_limits
from patina.cli.results import add_json_flag, print_job


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_flag(
        parser, "source", "source_dir", type=Path, required=True, help="folder of images, one image, tars or an LMDB"
    )
    add_recursive_flag(parser)
    add_flag(
        parser, "target", "target_dir", type=Path, required=True, help="folder of the set, or tars: shards/%%06d.tar"
    )
    add_shard_flag(parser)
    add_tar_flags(parser)
    add_flag(
        parser, "mode", default="scales", choices=["scales", "tiles", "noise-framed", "categories"],
        help="scales (default): every image at several sizes; tiles: incomplete ones are shifted inside; noise-framed: "
        "incomplete ones are framed by noise; categories: SR3's three test sets",
    )  # fmt: skip
    add_flag(parser, "scales", type=int, nargs="+", help="mode scales: downscaling factors (default: 1 8)")
    add_flag(parser, "side", type=int, help="other modes: side of a tile in pixels (default: 128)")
    add_flag(parser, "scale", type=int, help="other modes: downscaling factor of the LQ images (default: 4)")
    add_flag(
        parser, "least", type=int, help="mode noise-framed: smallest side of an incomplete tile in pixels (default: 32)"
    )
    add_flag(parser, "seed", type=int, help="mode noise-framed: seed of the noise (default: 0)")
    add_flag(parser, "blur", type=float, help="mode categories: std of the blur in pixels (default: 2)")
    add_flag(parser, "workers", type=int, help="number of processes (default: one per core)")
    add_json_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    """Prepare the set; return 1 if images failed."""
    from patina.pipelines.set_preparation import PrepareRequest, prepare_set

    limits, target = tar_limits(arguments, arguments.target), shard_path(arguments, arguments.target)
    values = {name: value for name, value in vars(arguments).items() if name not in ("shard_size", "shard_mb", "json")}
    scales = None if arguments.scales is None else tuple(arguments.scales)
    request = PrepareRequest(**{**values, "target": target, "scales": scales}, limits=limits)
    report, text = prepare_set(request)
    print_job(arguments, request.target, report)
    if not arguments.json:
        print(f"{request.target}: {text}")
    return report.exit_code
