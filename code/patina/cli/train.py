"""Train a learned degradation or a super-resolution network from a configuration."""

import argparse
import os
from typing import TYPE_CHECKING

from patina.cli.flags import add_device_flag, add_flag
from patina.cli.main import INTERRUPTED
from patina.cli.results import add_json_flag, print_result

if TYPE_CHECKING:
    from patina.pipelines.training_run import TrainingRequest


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
    add_json_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    """Train, or print what would be trained."""
    from patina.system.quick_imports import import_fabric

    import_fabric()
    from patina.pipelines.training_outcome import training_outcome
    from patina.pipelines.training_run import TrainingRequest, run_training

    request = TrainingRequest(arguments.opt, arguments.smoke, arguments.device, arguments.devices)
    if arguments.dry_run:
        _dry_run(arguments, request)
        return 0
    finished = run_training(request)
    if arguments.json and os.environ.get("RANK", "0") == "0":  # torchrun starts several processes
        print_result(arguments, "", training_outcome(request.loaded, finished))
    return 0 if finished else INTERRUPTED


def _dry_run(arguments: argparse.Namespace, request: "TrainingRequest") -> None:
    from patina.pipelines.training_outcome import ResolvedTraining
    from patina.pipelines.training_run import require_trainable

    resolved = ResolvedTraining.of(request.loaded)
    if not arguments.json:
        print(resolved.text)
    found = require_trainable(request)
    print_result(arguments, f"# {found}", {**resolved.values, "found": found})
