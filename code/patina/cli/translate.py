"""Translate a folder of images from one domain to the other with a learned degradation."""

import argparse
from pathlib import Path

from patina.cli.flags import add_compute_flags, add_flag, add_output_flags, add_recursive_flag, output_fields
from patina.cli.knob_flags import add_knob_flags, add_tile_flag, given_knobs
from patina.cli.results import add_json_flag, print_job
from patina.degradations.knobs import HANDLES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_flag(parser, "opt", help="configuration; required for published .pth models and without -model_path")
    add_flag(parser, "model_path", type=Path, help="model file (default: the finished run of the configuration)")
    add_flag(
        parser, "source_dir", "source", type=Path, required=True, help="folder of images, one image, tars or an LMDB"
    )
    add_recursive_flag(parser)
    add_flag(parser, "out_dir", "out", type=Path, required=True, help="output folder, or tars: shards/%%06d.tar")
    add_output_flags(parser)
    add_json_flag(parser)
    add_flag(parser, "source_domain", default="X", choices=["X", "Y"], help="X: clean to real, Y: real to clean")
    add_knob_flags(parser)
    add_flag(parser, "samples", type=int, default=1, help="number of translations per image")
    add_flag(parser, "seed", type=int, default=0, help="seed of the noise; a result depends on it and on the file name")
    add_tile_flag(parser)
    overlap = f"(default: {HANDLES['deflow'].overlap}, or a quarter of a smaller tile)"
    add_flag(parser, "overlap", type=int, help=f"DeFlow: overlap of tiles in pixels {overlap}")
    add_flag(
        parser, "kept_mb", type=int,
        help="DeFlow: MiB for intermediate results that are reused; more is faster (default: as many as keep the "
        "memory at half of the plain network's)",
    )  # fmt: skip
    add_compute_flags(parser)


def run(arguments: argparse.Namespace) -> int:
    """Translate all images whose results are missing or outdated."""
    from patina.degradations.learned_degradation import Tiling
    from patina.pipelines.translation import TranslationRequest, translate

    request = TranslationRequest(
        source=arguments.source_dir,
        **output_fields(arguments, arguments.out_dir),
        model=arguments.model_path,
        config=arguments.opt,
        domain=arguments.source_domain,
        knobs=given_knobs(arguments),
        samples=arguments.samples,
        seed=arguments.seed,
        tiling=Tiling(arguments.tile, arguments.overlap, arguments.kept_mb),
        device=arguments.device,
        precision=arguments.precision,
        recursive=arguments.recursive,
    )
    report = translate(request)
    print_job(arguments, request.out, report)
    report.print_made(request.out)
    return report.exit_code
