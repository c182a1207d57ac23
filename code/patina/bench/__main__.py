"""Measure the fast paths against the plain networks on this machine: ``make bench`` or ``python -m patina.bench``.

Every case runs in a process of its own, so that its peak memory is its own. A table says how many times faster each
path is than the plain one, what it computes and moves, what it takes, and how close its result is. What depends on
the machine alone is measured; nothing here decides whether tests pass.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from patina.bench.cases import CASES, PLAIN, QUICK, Case, Measured, Sizes
from patina.bench.measuring import measure
from patina.bench.report import machine, start_up, table
from patina.cli.flags import add_device_flag, add_flag
from patina.errors import PatinaError
from patina.system.devices import compute_device


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all cases, or one of them in this process; print the table and write ``bench.json``."""
    parser = argparse.ArgumentParser(prog="python -m patina.bench", description=__doc__, allow_abbrev=False)
    add_flag(parser, "out", default="bench.json", help="file for the figures")
    add_flag(parser, "only", help="measure only the tasks whose name contains this")
    add_flag(parser, "quick", action="store_true", help="tiny networks: shows that all runs; its ratios mean nothing")
    add_device_flag(parser)
    parser.add_argument("--case", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--result", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    sizes = QUICK if given.quick else Sizes()
    try:
        device = compute_device(given.device)
    except PatinaError as error:
        parser.error(str(error))
    if given.case is not None:
        print(json.dumps(asdict(measure(CASES[given.case], sizes, Path(given.result), device))))
        return 0
    chosen = [case for case in CASES if given.only is None or given.only.lower() in case.task.lower()]
    with tempfile.TemporaryDirectory() as folder:
        rows = _measure_all(chosen, sizes, Path(folder), device)
    document = {"machine": machine(device), "sizes": asdict(sizes), "cases": rows, "start-up (s)": start_up()}
    Path(given.out).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(table(document))
    return 0


def _measure_all(cases: Sequence[Case], sizes: Sizes, folder: Path, device: torch.device) -> list[dict]:
    """Run each case in a process; return its figures with those of its plain path and the results' agreement."""
    plain: dict[str, tuple[Measured, Path]] = {}
    rows = []
    for case in cases:
        print(f"{case.task}: {case.path}", file=sys.stderr, flush=True)
        result = folder / f"{len(rows)}.pt"
        measured = _in_process(case, sizes, result, device)
        print(f"    {measured.seconds:.2f} s, core time {measured.core_seconds:.2f} s", file=sys.stderr, flush=True)
        reference, reference_result = plain.setdefault(case.task, (measured, result))
        times = [each.core_seconds if device.type == "cpu" else each.seconds for each in (reference, measured)]
        rows.append(
            asdict(case) | asdict(measured) | {
                "speed": times[0] / times[1],
                "operations share": measured.operations / reference.operations,
                "memory share": measured.peak_bytes / max(reference.peak_bytes, 1),
                "agreement": _agreement(case, reference_result, result),
            }
        )  # fmt: skip
    return rows


def _in_process(case: Case, sizes: Sizes, result: Path, device: torch.device) -> Measured:
    # Threads that spin while they wait cost more than they gain where anything else runs; what an earlier benchmark
    # has compiled would hide the warm-up.
    environment = os.environ | {
        "OMP_WAIT_POLICY": "passive",
        "TORCHINDUCTOR_CACHE_DIR": str(result.parent / "compiled"),
    }
    command = [sys.executable, "-m", "patina.bench", "--case", str(CASES.index(case)), "--result", str(result)]
    finished = subprocess.run(
        [*command, "-device", device.type, *(["--quick"] if sizes.quick else [])],
        env=environment,
        check=True,
        text=True,
        stdout=subprocess.PIPE,
    )
    return Measured(**json.loads(finished.stdout.splitlines()[-1]))


def _agreement(case: Case, reference: Path, result: Path) -> str:
    """Say how close a case's result is to the plain path's."""
    first, second = torch.load(reference), torch.load(result)
    if case.path == PLAIN:
        return "-"
    difference = (first - second).abs()
    if "training" in case.task:
        return f"gradients {difference.norm() / first.norm():.0e}"
    if case.is_half:
        return f"{-10 * difference.square().mean().log10():.1f} dB"
    return f"{difference.max():.0e}"


if __name__ == "__main__":
    sys.exit(main())
