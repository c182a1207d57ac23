"""The cases of the benchmark, each in a process of its own, and how their results agree."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from patina.bench.cases import CASES, PLAIN, Case, Measured, Sizes

COMPARED = ("speed_up", "operations_fraction", "memory_fraction", "agreement")
"""What a case's row has of its comparison with the plain path."""


def measure_all(cases: Sequence[Case], sizes: Sizes, folder: Path, device: torch.device) -> list[dict[str, Any]]:
    """Run every case in its own process; return its figures, relative to the plain path where that says more."""
    plain: dict[str, tuple[Measured, Path]] = {}
    rows: list[dict[str, Any]] = []
    for case in cases:
        print(f"{case.task}: {case.path}", file=sys.stderr, flush=True)
        result = folder / f"{len(rows)}.pt"
        measured = in_process(case, sizes, result, device)
        print(f"    {measured.seconds:.2f} s, core time {measured.core_seconds:.2f} s", file=sys.stderr, flush=True)
        if case.path == PLAIN:
            plain[case.task] = measured, result
        rows.append(case_row(case, measured, result, plain.get(case.task), device))
    return rows


def case_row(
    case: Case, measured: Measured, result: Path, reference: tuple[Measured, Path] | None, device: torch.device
) -> dict[str, Any]:
    """Return a case's figures, and how they compare with those of the plain path.

    Args:
        case: the case.
        measured, result: its figures, and the file of its result.
        reference: those of the plain path; None where it was not measured, and then nothing is compared.
        device: where both computed.
    """
    row = asdict(case) | asdict(measured)
    if reference is None:
        return row | dict.fromkeys(COMPARED)
    plain, plain_result = reference
    seconds = "core_seconds" if device.type == "cpu" else "seconds"
    compared = (
        getattr(plain, seconds) / getattr(measured, seconds),
        measured.operations / plain.operations,
        measured.peak_bytes / max(plain.peak_bytes, 1),
        agreement(case, plain_result, result),
    )
    return row | dict(zip(COMPARED, compared, strict=True))


def in_process(case: Case, sizes: Sizes, result: Path, device: torch.device, seconds: float | None = None) -> Measured:
    """Measure a case in a process of its own, which may take so many seconds.

    Raises:
        subprocess.SubprocessError: it failed, or took longer.
    """
    # Threads that spin while waiting slow down everything else that runs. An empty compile cache keeps an earlier
    # benchmark from hiding the warm-up.
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
        timeout=seconds,
    )
    return Measured(**json.loads(finished.stdout.splitlines()[-1]))


def agreement(case: Case, reference: Path, result: Path) -> str:
    """Describe how closely a case's result agrees with the plain path's."""
    first, second = torch.load(reference), torch.load(result)
    if case.path == PLAIN:
        return "-"
    difference = (first - second).abs()
    if "training" in case.task:
        return f"gradients {difference.norm() / first.norm():.0e}"
    if case.is_half:
        return f"{-10 * difference.square().mean().log10():.1f} dB"
    return f"{difference.max():.0e}"
