"""Upscaling compared side by side: spandrel's model, onnxruntime, OpenVINO, and Patina.

The networks have random weights, whose values do not matter for time. Paths take turns, and a path's figure is that of
its fastest turn.
"""

import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from patina.bench.cases import NETWORKS, TINY
from patina.degradations.trial import decibels
from patina.imaging.picture_files import read_picture, write_picture
from patina.imaging.sources import list_sources
from patina.imaging.value_spaces import to_pixels, to_tensor
from patina.models.generator_files import LoadedGenerator, load_generator, save_generator
from patina.models.network_export import ExportedNetwork
from patina.models.spandrel_network import SpandrelSettings
from patina.models.traced_graph import traced_onnx
from patina.pipelines.network_backends import OPEN, PACKAGES, RunTile, missing_package
from patina.pipelines.recipe_speed import make_pictures
from patina.pipelines.upscalers import open_upscaler
from patina.pipelines.upscaling import upscale_pictures

TASK = "upscale-engines"

PLAIN = "spandrel's model, a plain loop"
HEADS = ("network", "what", "path", "time", "core time", "core time, relative to spandrel's", "PSNR to spandrel's")

Row = dict[str, Any]
Run = Callable[[], Any]
"""Upscales, and returns all results as one array."""


def engine_rows(quick: bool, only: str | None) -> list[Row]:
    """Measure all networks unless the text `only` names another task; `quick` takes a tiny one and small images."""
    if only is not None and only.lower() not in TASK:
        return []
    rows: list[Row] = []
    for name, sizes in (TINY if quick else NETWORKS).items():
        print(f"{TASK}: {name}", file=sys.stderr, flush=True)
        with TemporaryDirectory() as folder:
            rows += _network_rows(name, sizes, Path(folder), quick)
    return rows


def engine_table(rows: list[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| " + " | ".join(HEADS) + " |", "| --- | --- | --- |" + " ---: |" * (len(HEADS) - 3)]
    for row in rows:
        plain = next(other for other in rows if (other["network"], other["what"]) == (row["network"], row["what"]))
        cells = [row["network"], row["what"], row["path"], f"{row['seconds']:.2f} s", f"{row['core_seconds']:.2f} s"]
        cells += [f"{row['core_seconds'] / plain['core_seconds']:.2f}", _level(row["psnr"])]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _level(psnr: float | None) -> str:
    return "" if psnr is None else f"{psnr:.0f} dB" if psnr < 100 else "over 100 dB"


def _network_rows(name: str, sizes: dict[str, Any], folder: Path, quick: bool) -> list[Row]:
    torch.manual_seed(0)
    network = SpandrelSettings(architecture=name, scale=4, **sizes).build()
    last = [module for module in network.modules() if isinstance(module, nn.Conv2d)][-1]
    last.weight.data *= 0.2  # as in a trained one, most of the image is not the network's
    model = folder / "model.safetensors"
    save_generator(network, model)
    side = 48 if quick else 256
    make_pictures(folder / "one", 1, side)
    make_pictures(folder / "in", 2 if quick else 8, side // 2)
    rounds = 1 if quick else 2
    runners = dict(_runners(model))
    image = read_picture(next(iter(list_sources(folder / "one"))).path).pixels
    rows = []
    for what, paths in (
        ("one image", {label: partial(_upscaled, run, image) for label, run in runners.items()} | _ours(model, image)),
        ("a folder", _folder_paths(model, runners, folder)),
    ):
        rows += [{"network": name, "what": what, **row} for row in _taken_in_turn(paths, rounds)]
    return rows


def _taken_in_turn(paths: dict[str, Run], rounds: int) -> list[Row]:
    spent: dict[str, list[tuple[float, float]]] = {label: [] for label in paths}
    results: dict[str, Any] = {}
    for _ in range(rounds):
        for label, run in paths.items():
            began, busy = time.perf_counter(), time.process_time()
            results[label] = run()
            spent[label].append((time.process_time() - busy, time.perf_counter() - began))
    expected = results[PLAIN]
    return [
        {
            "path": label,
            "seconds": min(wall for _, wall in times),
            "core_seconds": min(core for core, _ in times),
            "psnr": None if label == PLAIN else _agreement(expected, results[label]),
        }
        for label, times in spent.items()
    ]


def _agreement(expected: np.ndarray, result: np.ndarray) -> float:
    """Return the PSNR in dB of 8-bit images."""
    return decibels(torch.from_numpy(expected / 255.0), torch.from_numpy(result / 255.0))


def _runners(model: Path) -> Iterator[tuple[str, RunTile]]:
    """Yield the alternatives to Patina; a graph is the one that Patina makes, which loads at once."""
    opened = load_generator(model)
    yield PLAIN, partial(_plain, opened)
    graph = traced_onnx(ExportedNetwork(load_generator(model)), opened.size_requirements.multiple_of * 4)
    for name in PACKAGES:
        if not missing_package(name):
            yield f"{name}, a plain loop", OPEN[name](graph, False)
    if not missing_package("openvino"):
        yield "openvino in bf16, a plain loop", OPEN["openvino"](graph, True)


@torch.inference_mode()
def _plain(opened: LoadedGenerator, tile: Tensor) -> Tensor:
    return opened(tile)


def _upscaled(run: RunTile, image: np.ndarray) -> np.ndarray:
    return to_pixels(run(to_tensor(image)[None])[0].clamp(0, 1), np.dtype(np.uint8))


def _ours(model: Path, image: np.ndarray) -> dict[str, Run]:
    paths: dict[str, Run] = {}
    for precision in ("32", "bf16-mixed"):
        opened = open_upscaler(model, device="cpu", precision=precision, backend="auto")
        paths[f"Patina, {precision} ({opened.made_by.settings.get('backend', 'torch')})"] = partial(opened, image)
    return paths


def _folder_paths(model: Path, runners: dict[str, RunTile], folder: Path) -> dict[str, Run]:
    paths: dict[str, Run] = {}
    source, number = folder / "in", 0

    def new_out() -> Path:
        nonlocal number
        number += 1
        return folder / f"out{number}"

    def loop(run: RunTile) -> np.ndarray:
        out = new_out()
        for picture in list_sources(source):
            write_picture(out / f"{picture.stem}.png", _upscaled(run, read_picture(picture.path).pixels))
        return _all_of(out)

    def ours(opened: Any) -> np.ndarray:
        out = new_out()
        upscale_pictures(opened, source, out)
        return _all_of(out)

    for label, run in runners.items():
        paths[label] = partial(loop, run)
    for precision in ("32", "bf16-mixed"):
        opened = open_upscaler(model, device="cpu", precision=precision, backend="auto")
        paths[f"Patina, {precision} ({opened.made_by.settings.get('backend', 'torch')})"] = partial(ours, opened)
    return paths


def _all_of(folder: Path) -> np.ndarray:
    return np.stack([read_picture(path).pixels for path in sorted(folder.glob("*.png"))])
