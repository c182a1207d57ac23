"""The figures of a benchmark: the machine, the start-up times, and the table."""

import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from patina.imaging.picture_files import write_picture
from patina.layers.precision import BF16_CHECKS, has_fast_bf16

HEADS = (
    "task", "path", "time", "core time", "warm-up", "speed-up", "operations", "rate", "moved", "peak memory",
    "agreement",
)  # fmt: skip


def machine(device: torch.device) -> dict[str, str | int]:
    """Return the properties of the machine and of torch that the timings depend on."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    name = next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor()
    )
    amx = bool(getattr(torch.cpu, BF16_CHECKS[0], lambda: False)())
    return {
        "processor": torch.cuda.get_device_name(device) if device.type == "cuda" else name,
        "threads": torch.get_num_threads(),
        "bf16": ("AMX" if amx else "AVX512-BF16") if has_fast_bf16(torch.device("cpu")) else "none",
        "torch": torch.__version__,
    }


def start_up() -> dict[str, float]:
    """Return the start-up times of two commands in seconds, the fastest of three runs."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("results", "truth"):
            write_picture(Path(folder) / name / "0.png", np.full((64, 64, 3), 128, np.uint8))
        evaluate = ["evaluate", "-results", f"{folder}/results", "-truth", f"{folder}/truth", "-no_lpips"]
        commands = {"patina --help": ["--help"], "patina evaluate": evaluate}
        return {name: min(_seconds(arguments) for _ in range(3)) for name, arguments in commands.items()}


def _seconds(arguments: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "patina.cli", *arguments], check=True, capture_output=True)
    return time.perf_counter() - began


def shown(value: float | None, form: str) -> str:
    """Return a figure for a table; empty where there is none."""
    return "" if value is None else format(value, form)


def table(document: dict[str, Any]) -> str:
    """Return the figures as a Markdown table, followed by a line about the machine."""
    lines = ["| " + " | ".join(HEADS) + " |", "| --- | --- |" + " ---: |" * (len(HEADS) - 2)]
    for row in document["cases"]:
        cells = [
            row["task"],
            row["path"],
            f"{row['seconds']:.2f} s",
            f"{row['core_seconds']:.2f} s",
            f"{row['warm_up']:.1f} s" if row["warm_up"] else "",
            shown(row["speed_up"], ".1f"),
            f"{row['operations'] / 1e12:.2f} T",
            f"{row['rate_fraction']:.0%}",
            f"{row['bytes_moved'] / 1e9:.1f} GB",
            f"{row['peak_bytes'] / 1e9:.2f} GB ({shown(row['memory_fraction'], '.2f')})",
            row["agreement"] or "",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    where = document["machine"]
    sizes = document["sizes"]
    starts = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in document["start_up_seconds"].items())
    lines += [
        "",
        f"{where['processor']}, {where['threads']} threads, bf16 by {where['bf16']}, torch {where['torch']}. "
        f"Translation of {sizes['side']}x{sizes['side']} pixels; training steps of {sizes['batch']} patches of "
        f"{sizes['patch']}x{sizes['patch']}. The speed-up compares core time, which other programs do not affect (on "
        f"a GPU: time). The rate is relative to a single large convolution of the same precision. Peak memory excludes "
        f"the loaded model; in brackets, relative to the plain path. Start-up: {starts}.",
    ]
    return "\n".join(lines)
