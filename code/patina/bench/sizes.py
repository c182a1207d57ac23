"""Time and memory of the commands as a power of the size: ``make bench-sizes`` or ``python -m patina.bench.sizes``.

Every command runs in a process of its own, with one worker, over more and more images, and over larger and larger
ones. The table has its processor time and peak memory at every size, and the slope of their logarithms over that of
the size (least squares): 0 is constant, 1 is linear, more is worse. Start-up is included, so small sizes lower slopes.
"""

import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from patina.bench.figures import machine
from patina.cli.flags import add_flag
from patina.cli.parser import CommandParser
from patina.imaging.channel_statistics import ChannelStatistics
from patina.imaging.picture_files import read_picture, write_picture
from patina.imaging.sources import list_sources
from patina.models.ludvae import LUDVAE, LUDVAEArchitecture
from patina.models.model_files import ModelFile, save_model_file
from patina.pipelines.recipe_speed import make_pictures
from patina.seeding import numpy_rng

FEW = 4
"""Number of images where their size grows."""

HEADS = ("command", "over", "sizes", "core time", "time grows with the power", "peak memory", "memory with the power")


@dataclass(frozen=True)
class Growth:
    """Sizes to measure.

    Attributes:
        counts: numbers of images.
        side: their side in pixels.
        megapixels: sizes of `FEW` images.
    """

    counts: tuple[int, ...] = (10, 100, 1000)
    side: int = 512
    megapixels: tuple[float, ...] = (1, 10, 100)


SMALL = Growth((10, 30, 100), 96, (0.25, 1, 4))
TINY = Growth((4, 8), 96, (0.01, 0.02))
"""A smoke test, whose slopes mean nothing."""


@dataclass(frozen=True)
class Spent:
    """What a command took: elapsed and processor time in seconds, and peak memory in bytes."""

    seconds: float
    core_seconds: float
    peak_bytes: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all commands, print the table and write ``bench-sizes.json``."""
    parser = CommandParser("python -m patina.bench.sizes", __doc__)
    add_flag(parser, "out", default="bench-sizes.json", help="JSON file for the figures")
    add_flag(parser, "only", help="run only the commands whose name contains this text")
    add_flag(parser, "small", action="store_true", help="10 to 100 images of 96 pixels, and 0.25 to 4 megapixels")
    add_flag(parser, "quick", action="store_true", help="a smoke test, whose slopes mean nothing")
    given = parser.parsed(arguments)
    growth = TINY if given.quick else SMALL if given.small else Growth()
    rows = []
    for axis, sizes in (("images", growth.counts), ("megapixels", growth.megapixels)):
        found: dict[str, list[Spent]] = {}
        for size in sizes:
            for command, spent in _at(axis, size, growth.side, given.only):
                found.setdefault(command, []).append(spent)
        rows += [
            growth_row(command, axis, sizes, spent) for command, spent in found.items() if len(spent) == len(sizes)
        ]
    document = {"machine": machine(torch.device("cpu")), "growth": asdict(growth), "rows": rows}
    Path(given.out).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(size_table(rows))
    return 0


def growth_row(command: str, axis: str, sizes: Sequence[float], spent: Sequence[Spent]) -> dict[str, Any]:
    """Return the figures of a command over one kind of size, with both slopes."""
    return {
        "command": command,
        "axis": axis,
        "sizes": list(sizes),
        "spent": [asdict(one) for one in spent],
        "time_power": slope(sizes, [one.core_seconds for one in spent]),
        "memory_power": slope(sizes, [one.peak_bytes for one in spent]),
    }


def slope(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Return the slope of the logarithm of values over that of sizes, by least squares."""
    x, y = (np.log(np.asarray(numbers, dtype=float)) for numbers in (sizes, values))
    return float(np.polyfit(x, y, 1)[0])


def size_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| " + " | ".join(HEADS) + " |", "| --- | --- | --- | --- | ---: | --- | ---: |"]
    for row in rows:
        spent = row["spent"]
        cells = [row["command"], row["axis"], ", ".join(f"{size:g}" for size in row["sizes"])]
        cells += [", ".join(f"{one['core_seconds']:.1f}" for one in spent) + " s", f"{row['time_power']:.2f}"]
        cells += [", ".join(f"{one['peak_bytes'] / 1e6:.0f}" for one in spent) + " MB", f"{row['memory_power']:.2f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


# The commands


_LAUNCHER = """
import json, os, subprocess, sys, time
began = time.perf_counter()
started = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, used = os.wait4(started.pid, 0)
started.returncode = status
unit = 1 if sys.platform == "darwin" else 1024
print(json.dumps({"status": status, "seconds": time.perf_counter() - began, "peak_bytes": used.ru_maxrss * unit,
                  "core_seconds": used.ru_utime + used.ru_stime}))
"""
"""Starts a command from a small process: Linux counts the memory of the one that starts it to the command's peak."""


def _at(axis: str, size: float, side: int, only: str | None) -> list[tuple[str, Spent]]:
    """Measure every command at one size."""
    count = int(size) if axis == "images" else FEW
    side = side if axis == "images" else round(math.sqrt(size * 1e6))
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _make_inputs(folder, count, side)
        found = []
        for name, arguments in COMMANDS.items():
            if only is None or only in name:
                print(f"{name}: {size:g} {axis}", file=sys.stderr, flush=True)
                try:
                    found.append((name, measured(arguments(folder, count))))
                except RuntimeError as error:
                    print(f"left out: {error}", file=sys.stderr, flush=True)
        return found


def _make_inputs(folder: Path, count: int, side: int) -> None:
    """Make clean images, noisy ones of the same names, and a model."""
    make_pictures(folder / "clean", count, side)
    for source in list_sources(folder / "clean"):
        pixels = read_picture(source.path).pixels
        noise = numpy_rng("bench", source.name).normal(0, 5, pixels.shape).astype(np.float32)
        noisy = np.clip(np.rint(pixels + noise), 0, 255).astype(np.uint8)
        write_picture(folder / "real" / f"{source.stem}.png", noisy)
    torch.manual_seed(0)
    architecture = LUDVAEArchitecture(channels=8)
    grey = ChannelStatistics((120.0,) * 3, (50.0,) * 3, 1).to_dict()
    about = {"architecture": asdict(architecture), "noise_level": {"clean": 12, "real": 7}}
    state = LUDVAE(architecture).state_dict()
    statistics = {"clean_image": grey, "real_image": grey}
    save_model_file(folder / "model.safetensors", ModelFile("ludvae", about, state, statistics, step=1))


def measured(arguments: Sequence[str]) -> Spent:
    """Run a command of Patina in a process of its own.

    Raises:
        RuntimeError: it failed; the message has its last line.
    """
    command = [sys.executable, "-m", "patina.cli", *arguments, "--quiet"]
    told = subprocess.run([sys.executable, "-c", _LAUNCHER, *command], capture_output=True, text=True, errors="replace")
    spent = json.loads(told.stdout.splitlines()[-1])
    if spent.pop("status"):
        lines = told.stderr.splitlines()
        raise RuntimeError(f"patina {' '.join(arguments[:3])}…: {lines[-1] if lines else 'failed'}")
    return Spent(**spent)


def _new(folder: Path, name: str) -> str:
    shutil.rmtree(folder / name, ignore_errors=True)
    return str(folder / name)


def _prepare(folder: Path, _count: int) -> list[str]:
    target = _new(folder, "set")
    return ["prepare", "-source", f"{folder}/clean", "-target", target, "-scales", "1", "2", "-workers", "1"]


def _fit(folder: Path, count: int) -> list[str]:
    out = ["-out", f"{folder}/fitted.yml", "-pictures", str(count), "-workers", "1"]
    return ["fit", f"{folder}/clean", f"{folder}/real", "-recipe", "camera", *out]


def _degrade(folder: Path, _count: int) -> list[str]:
    return ["degrade", "web-photo", f"{folder}/clean", _new(folder, "lq"), "--without-learned", "-workers", "1"]


def _translate(folder: Path, _count: int) -> list[str]:
    source = ["-source_dir", f"{folder}/clean", "-out_dir", _new(folder, "translated"), "-device", "cpu"]
    return ["translate", "-model_path", f"{folder}/model.safetensors", *source]


def _upscale(folder: Path, _count: int) -> list[str]:
    return ["upscale", f"{folder}/clean", "-model", "photo-x2", "-out", _new(folder, "large"), "-device", "cpu"]


def _evaluate(folder: Path, _count: int) -> list[str]:
    scores = ["-out", _new(folder, "scores"), "-metrics", "psnr", "ssim"]
    return ["evaluate", "-results", f"{folder}/real", "-truth", f"{folder}/clean", *scores]


def _report(folder: Path, count: int) -> list[str]:
    compared = ["-generated", f"{folder}/real", "-clean", f"{folder}/clean", "-real", f"{folder}/real"]
    few_steps = ["-judge_steps", "20"]  # which do not depend on the size
    return ["report", *compared, "-pictures", str(count), *few_steps, "-out", f"{folder}/report.html"]


COMMANDS: Mapping[str, Callable[[Path, int], list[str]]] = {
    "prepare": _prepare,
    "fit": _fit,
    "degrade": _degrade,
    "translate": _translate,
    "upscale": _upscale,
    "evaluate": _evaluate,
    "report": _report,
}
"""The arguments of every command, by its name."""


if __name__ == "__main__":
    sys.exit(main())
