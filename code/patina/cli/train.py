"""Train a learned degradation or a super-resolution network from a configuration."""

import argparse

from patina.cli.flags import add_device_flag, add_flag
from patina.cli.main import INTERRUPTED


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_flag(parser, "opt", required=True, help="configuration, a path or a name in confs/")
    add_device_flag(parser)
    add_flag(
        parser, "devices", type=int, default=1,
        help="number of GPUs of this machine that train together, or of processes on the CPU",
    )  # fmt: skip
    parser.add_argument("--smoke", action="store_true", help="train at the small size of the `smoke` section")
    parser.add_argument(
        "--dry-run", action="store_true",
        help="print the resolved configuration and the model's size, and check that no file is missing",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Train, or print what would be trained."""
    from patina.pipelines.training_run import TrainingRequest, require_trainable, resolved_training, run_training
    from patina.system.place_names import named_as_given

    request = TrainingRequest(arguments.opt, arguments.smoke, arguments.device, arguments.devices)
    with named_as_given():
        if arguments.dry_run:
            print(resolved_training(request), end="")
            print(f"# {require_trainable(request)}")
            return 0
        return 0 if run_training(request) else INTERRUPTED
