"""Run the whole pipeline on photographs bundled with scikit-image, degraded by a simulated camera."""

import argparse
import time
from pathlib import Path

from patina.cli.experiment_flags import add_out_flag, add_seeds_flag
from patina.cli.flags import add_device_flag, add_flag
from patina.cli.results import add_json_flag, print_experiment

FOLDER, SMOKE_FOLDER = Path("demo_out"), Path("demo_smoke")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_out_flag(parser, told=f"{FOLDER}, with --smoke {SMOKE_FOLDER}")
    add_flag(parser, "seed", type=int, default=0, help="seed of camera and DeFlow")
    add_seeds_flag(parser, help="seeds of the super-resolution networks", default=[0])
    add_device_flag(parser)
    add_json_flag(parser)
    parser.add_argument("--smoke", action="store_true", help="only two training steps, to check that everything works")


def run(arguments: argparse.Namespace) -> int:
    """Run the demo and print its tables."""
    from patina.experiments.bundled_demo import DemoRequest, run_demo

    began = time.perf_counter()
    request = DemoRequest(
        out=arguments.out or (SMOKE_FOLDER if arguments.smoke else FOLDER),
        seed=arguments.seed,
        seeds=tuple(arguments.seeds),
        smoke=arguments.smoke,
        device=arguments.device,
    )
    text, out = run_demo(request), request.out
    remarks = (
        f"time: {time.perf_counter() - began:.0f} s. Look at {out / 'sheet.png'}; beside it are\n"
        f"  sets in {out / 'sets'}, models in {out / 'runs'}, results in {out / 'upscaled'}"
    )
    print_experiment(arguments, text, out, remarks)
    return 0
