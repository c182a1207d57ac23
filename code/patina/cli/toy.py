"""Learn four noises of known distribution from unpaired images, and compare their histograms with the true ones."""

import argparse
import time
from pathlib import Path

from patina.cli.experiment_flags import add_out_flag
from patina.cli.flags import add_device_flag, add_flag
from patina.cli.results import add_json_flag, print_experiment
from patina.experiments.choices import TOY_METHODS, TOY_NOISE_NAMES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_out_flag(parser, default="toy_out")
    add_flag(parser, "train", type=Path, help="folder of clean photographs to train on (default: bundled ones)")
    add_flag(parser, "test", type=Path, help="folder of clean photographs to test on (default: bundled ones)")
    for name, known in (("noises", TOY_NOISE_NAMES), ("methods", TOY_METHODS)):
        add_flag(parser, name, nargs="+", default=list(known), help=f"some of {', '.join(known)} (default: all)")
    add_flag(parser, "seed", type=int, default=0, help="seed of the images, the fit and the trainings")
    add_flag(parser, "config", default="LUDDIF-toy", help="configuration of LUD-DIF")
    add_flag(parser, "restorer", default="DnCNN-toy", help="configuration of the network that restores pairs")
    add_flag(parser, "steps", type=int, help="training steps of every network (default: the configurations')")
    add_device_flag(parser)
    add_json_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the experiment and print its table."""
    from patina.experiments.toy_study import ToyRequest, run_toy

    began = time.perf_counter()
    request = ToyRequest(
        out=arguments.out, train=arguments.train, test=arguments.test, noises=tuple(arguments.noises),
        methods=tuple(arguments.methods), seed=arguments.seed, config=arguments.config, restorer=arguments.restorer,
        steps=arguments.steps, device=arguments.device,
    )  # fmt: skip
    text = run_toy(request)
    remarks = f"time: {time.perf_counter() - began:.0f} s. Look at {request.out / 'sheet.png'}"
    print_experiment(arguments, text, request.out, remarks)
    return 0
