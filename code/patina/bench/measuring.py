"""Measuring one case in this process: time, operations, bytes moved, and memory."""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import conv2d
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode, conv_flop_count

from patina.bench.cases import COMPILED, PLAIN_KEPT, Case, Measured, Sizes
from patina.bench.tasks import TASKS
from patina.system.allocator import freed_memory_kept
from patina.system.memory import PeakMemory

Shape = list[int]

RUNS = {"cpu": 2}
OTHER_RUNS = 6
"""Runs per case, by device type; an accelerator's clock takes a while to rise."""

LARGE = {"cpu": (1, 128, 256, 256)}
OTHER_LARGE = (16, 128, 512, 512)
"""The feature map, ``[N, C, H, W]``, whose convolution gives a device's attainable rate."""


def measure(case: Case, sizes: Sizes, result: Path, device: torch.device) -> Measured:
    """Measure a case: one small run to count operations and warm up, then full-size runs.

    Args:
        case: the case.
        sizes: sizes of the full-size runs.
        result: file to save the result in, for comparison with the plain path.
        device: device to compute on.
    """
    prepare = TASKS[case.task]
    counted = replace(sizes, side=max(64, sizes.side // 4), batch=2)
    eager = replace(case, options=tuple(option for option in case.options if option != COMPILED))
    operations, moved = count(prepare(eager, counted, device)[0])
    growth = (sizes.side / counted.side) ** 2 if "translation" in case.task else sizes.batch / counted.batch
    run, gather = prepare(case, sizes, device)
    times, core_times = [], []

    def timed_run() -> object:
        output, seconds, core_seconds = timed(run, device, kept=case.path == PLAIN_KEPT)
        times.append(seconds)
        core_times.append(core_seconds)
        return output

    with PeakMemory(on_gpu=device.type == "cuda") as memory:
        timed_run()
    for _ in range(RUNS.get(device.type, OTHER_RUNS) - 1):
        output = timed_run()
    torch.save(gather(output).cpu(), result)
    busy = busy_fraction(run, device)
    reached = growth * operations / min(times)
    return Measured(
        seconds=min(times),
        core_seconds=min(core_times),
        operations=growth * operations,
        bytes_moved=growth * moved,
        peak_bytes=memory.grown,
        warm_up=times[0] - min(times),
        rate_fraction=reached / convolution_rate(device, torch.bfloat16 if case.is_half else torch.float32),
        busy_fraction=busy,
    )


def busy_fraction(run: Callable[[], object], device: torch.device) -> float | None:
    """Return the fraction of a run's time that the GPU is busy, by torch's profiler; None on other devices."""
    if device.type != "cuda":
        return None
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        _, seconds, _ = timed(run, device)
    spans = sorted(
        (event.time_range.start, event.time_range.end)
        for event in profile.events() or ()
        if str(event.device_type).endswith("CUDA")
    )
    return covered(spans) / 1e6 / seconds


def covered(spans: Sequence[tuple[float, float]]) -> float:
    """Return the length that spans cover together, each from a start to an end; sorted by start."""
    total, reached = 0.0, -math.inf
    for start, end in spans:
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def timed(run: Callable[[], object], device: torch.device, *, kept: bool = False) -> tuple[object, float, float]:
    """Return a run's result, its time and its processor time in seconds; `kept` runs it in `freed_memory_kept`."""
    _wait_for(device)
    began, busy = time.perf_counter(), time.process_time()
    with freed_memory_kept() if kept else nullcontext():
        output = run()
    _wait_for(device)
    return output, time.perf_counter() - began, time.process_time() - busy


def convolution_rate(device: torch.device, dtype: torch.dtype) -> float:
    """Return the operations per second of a single large 3×3 convolution, the fastest of five runs."""
    shape = LARGE.get(device.type, OTHER_LARGE)
    x = torch.rand(shape, dtype=dtype, device=device).contiguous(memory_format=torch.channels_last)
    weight = torch.rand(shape[1], shape[1], 3, 3, dtype=dtype, device=device)

    def run() -> None:
        with torch.inference_mode():
            conv2d(x, weight, padding=1)

    return 2 * x.numel() * weight[0].numel() / min(timed(run, device)[1] for _ in range(5))


def count(run: Callable[[], object]) -> tuple[float, float]:
    """Return the floating-point operations of a run, and the bytes of all tensors its operations read and write."""
    flops = FlopCounterMode(display=False, custom_mapping=_FUSED)
    with flops, _Traffic() as traffic:
        run()
    return float(flops.get_total_flops()), float(traffic.moved)


def _fused(x: Shape, weight: Shape, *_: object, out_shape: Shape, **__: object) -> int:
    return conv_flop_count(x, weight, out_shape)


def _fused_onto(_other: Shape, x: Shape, weight: Shape, *_: object, out_shape: Shape, **__: object) -> int:
    return conv_flop_count(x, weight, out_shape)


_FUSED = {
    getattr(torch.ops.mkldnn, name): counted
    for name, counted in (("_convolution_pointwise", _fused), ("_convolution_pointwise_", _fused_onto))
    if hasattr(torch.ops.mkldnn, name)
}


class _Traffic(TorchDispatchMode):
    """Counts the bytes that operations read and write."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's
        self.moved = 0

    def __torch_dispatch__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        if not function.is_view:
            leaves = tree_leaves((args, kwargs, result))
            self.moved += sum(leaf.nbytes for leaf in leaves if isinstance(leaf, torch.Tensor))
        return result


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
