"""Draw a sheet of a learned degradation: translations in both directions, and samples of both domains."""

import argparse
from pathlib import Path

from patina.cli.flags import add_compute_flags, add_flag
from patina.cli.knob_flags import add_knob_flags, add_tile_flag, given_knobs
from patina.cli.results import add_json_flag, print_job


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_flag(parser, "opt", required=True, help="configuration that the model was trained with")
    add_flag(parser, "model_path", type=Path, help="model file (default: the finished run of the configuration)")
    add_flag(parser, "out_dir", "out", type=Path, required=True, help="output folder")
    add_flag(parser, "pictures", type=int, default=4, help="number of images per domain")
    add_knob_flags(parser)
    add_flag(parser, "seed", type=int, default=0, help="seed of the noise")
    add_tile_flag(parser)
    add_compute_flags(parser)
    add_json_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write ``X_to_Y/``, ``Y_to_X/``, ``X_sample/``, ``Y_sample/`` and a sheet."""
    from patina.pipelines.model_validation import SHEET, ValidationRequest, validate

    request = ValidationRequest(
        config=arguments.opt,
        out=arguments.out_dir,
        model=arguments.model_path,
        pictures=arguments.pictures,
        knobs=given_knobs(arguments),
        seed=arguments.seed,
        tile=arguments.tile,
        device=arguments.device,
        precision=arguments.precision,
    )
    report = validate(request)
    print_job(arguments, request.out, report)
    if report.results and not arguments.json:
        print(f"{request.out / SHEET}: written")
    return report.exit_code
