"""Measure how much of the gap between bicubic and true pairs each method closes, on simulated cameras."""

import argparse
import time
from pathlib import Path

from patina.cli.experiment_flags import add_out_flag, add_seeds_flag
from patina.cli.flags import add_device_flag, add_flag
from patina.cli.results import add_json_flag, print_experiment
from patina.experiments.choices import CAMERA_NAMES, GAP_METHODS, MORE_CAMERA_NAMES, SHORT_CAMERAS, SHORT_STEPS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_out_flag(parser, default="gap_out")
    add_flag(parser, "pictures", type=Path, help="folder of clean photographs (default: bundled ones)")
    known = f"some of {', '.join(CAMERA_NAMES)} (default: all of these), {', '.join(MORE_CAMERA_NAMES)}"
    add_flag(parser, "cameras", nargs="+", default=list(CAMERA_NAMES), help=known)
    add_flag(
        parser, "methods", nargs="+", default=list(GAP_METHODS), metavar="METHOD",
        help=f"{', '.join(GAP_METHODS)}, a recipe, a family to fit, a learned degradation's configuration, or "
        "fit+KIND, as `patina fit --learn KIND` (default: the first four)",
    )  # fmt: skip
    add_seeds_flag(parser, help="seeds of the super-resolution networks")
    add_flag(parser, "seed", type=int, default=0, help="seed of the photographs, the fit and the degradations")
    add_flag(parser, "steps", type=int, help="training steps of each network (default: the configuration's)")
    add_flag(parser, "config", default="SR-demo", help="configuration of the x2 networks")
    parser.add_argument(
        "--short", action="store_true",
        help=f"6 minutes on two idle cores: the first seed, {SHORT_STEPS} steps, and of all cameras only "
        f"{', '.join(SHORT_CAMERAS)}",
    )  # fmt: skip
    add_device_flag(parser)
    add_json_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the experiment and print its table."""
    from patina.experiments.gap_study import GapRequest, run_gap

    began = time.perf_counter()
    request = GapRequest(
        out=arguments.out, pictures=arguments.pictures, cameras=tuple(arguments.cameras),
        methods=tuple(arguments.methods), seeds=tuple(arguments.seeds),
        seed=arguments.seed, steps=arguments.steps, config=arguments.config, device=arguments.device,
    )  # fmt: skip
    request = request.shortened() if arguments.short else request
    text = run_gap(request)
    remarks = f"time: {time.perf_counter() - began:.0f} s. Look at {request.out / 'sheet.png'}"
    print_experiment(arguments, text, request.out, remarks)
    return 0
