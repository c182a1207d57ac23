"""Repeat the degradations of a set from its log and the clean images."""

import argparse
from pathlib import Path

from patina.cli.flags import add_device_flag, add_flag
from patina.cli.results import add_json_flag, print_job
from patina.errors import counted
from patina.system.telling import tell


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("log", type=Path, help="folder of a degraded set, or its log.jsonl")
    add_flag(parser, "out", type=Path, help="output folder (default: the folder of the log)")
    add_flag(
        parser,
        "source",
        type=Path,
        help="folder of the clean images, or tars or an LMDB of them (default: the one in the log)",
    )
    add_flag(parser, "workers", type=int, help="number of processes (default: one per core)")
    add_device_flag(parser, "device for models")
    add_json_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    """Replay a log; return 1 if an image failed or differs from the log."""
    from patina.pipelines.log_replay import ReplayRequest, replay

    request = ReplayRequest(arguments.log, arguments.out, arguments.source, arguments.workers, arguments.device)
    report = replay(request)
    out = request.out or request.folder
    print_job(arguments, out, report)
    made = sum(len(result.entries) for result in report.results)
    if made:
        tell(f"{counted(made, 'image')} made again, identical to the log")
    else:
        report.print_made(out)
    return report.exit_code
