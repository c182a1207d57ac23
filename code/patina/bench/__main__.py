"""Measure the fast paths against the plain networks on this machine: ``make bench`` or ``python -m patina.bench``.

Every case runs in a process of its own, so that its peak memory is its own. A table says how many times faster each
path is than the plain one, what it computes and moves, what it takes, and how close its result is. What depends on
the machine alone is measured; nothing here decides whether tests pass.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from patina.runs.allocator import freed_memory_kept
from patina.verbs.arguments import add_flag

PLAIN = "plain"
BF16 = "bf16"
PLAIN_KEPT = "plain, freed memory kept"
ALL_KEPT = "all kept"
COMPILED = "compiled"


@dataclass(frozen=True)
class Case:
    """One path of one task.

    Attributes:
        task: what is done, a key of `TASKS`.
        path: the row's name; `PLAIN` is what the others are compared with. `PLAIN_KEPT` is the same network within
            `freed_memory_kept`: what of the others' gain comes from fewer large maps, not from fewer operations.
        options: of the path, in words that `TASKS` knows.
    """

    task: str
    path: str
    options: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether it is the plain network that computes."""
        return self.path in (PLAIN, PLAIN_KEPT)


@dataclass(frozen=True)
class Measured:
    """What a case took.

    Attributes:
        seconds: of the quickest run.
        core_seconds: processor time of the run that took the least.
        operations: floating-point operations, two for each multiply-add.
        bytes_moved: read and written by all operations together, as if nothing stayed in a cache.
        peak_bytes: memory beyond the loaded model.
        warm_up: seconds that the first run takes more than the quickest.
    """

    seconds: float
    core_seconds: float
    operations: float
    bytes_moved: float
    peak_bytes: int
    warm_up: float


CASES = [
    Case("DeFlow translation", PLAIN),
    Case("DeFlow translation", PLAIN_KEPT),
    Case("DeFlow translation", "fast"),
    Case("DeFlow translation", "fast, all kept", (ALL_KEPT,)),
    Case("DeFlow translation", "fast, bf16", (BF16,)),
    Case("DeFlow translation", "fast, all kept, bf16", (ALL_KEPT, BF16)),
    Case("DeFlow training", PLAIN),
    Case("DeFlow training", "fast, recompute hidden", ("hidden",)),
    Case("DeFlow training", "fast, recompute everything", ("everything",)),
    Case("DeFlow training", "fast, recompute hidden, bf16", ("hidden", BF16)),
    Case("LUD-VAE translation", PLAIN),
    Case("LUD-VAE translation", PLAIN_KEPT),
    Case("LUD-VAE translation", "fast"),
    Case("LUD-VAE translation", "fast, bf16", (BF16,)),
    Case("RealPLKSR training, bf16", PLAIN, (BF16,)),
    Case("RealPLKSR training, bf16", "torch.compile", (BF16, COMPILED)),
]


@dataclass(frozen=True)
class Sizes:
    """What is computed.

    Attributes:
        side: of the translated picture.
        patch, batch: of a training step.
        quick: tiny networks.
    """

    side: int = 512
    patch: int = 160
    batch: int = 8
    quick: bool = False


QUICK = Sizes(side=64, patch=32, batch=2, quick=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all cases, or one of them in this process; print the table and write ``bench.json``."""
    parser = argparse.ArgumentParser(prog="python -m patina.bench", description=__doc__, allow_abbrev=False)
    add_flag(parser, "out", default="bench.json", help="file for the figures")
    add_flag(parser, "only", help="measure only the tasks whose name contains this")
    add_flag(parser, "quick", action="store_true", help="tiny networks: shows that all runs; its ratios mean nothing")
    parser.add_argument("--case", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--result", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    sizes = QUICK if given.quick else Sizes()
    if given.case is not None:
        print(json.dumps(asdict(measure(CASES[given.case], sizes, Path(given.result)))))
        return 0
    chosen = [case for case in CASES if given.only is None or given.only.lower() in case.task.lower()]
    with tempfile.TemporaryDirectory() as folder:
        rows = _measure_all(chosen, sizes, Path(folder))
    document = {"machine": machine(), "sizes": asdict(sizes), "cases": rows, "start-up (s)": start_up()}
    Path(given.out).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(table(document))
    return 0


def _measure_all(cases: Sequence[Case], sizes: Sizes, folder: Path) -> list[dict]:
    """Run each case in a process; return its figures with those of its plain path and the results' agreement."""
    rows: list[dict] = []
    plain: dict[str, tuple[Measured, Path]] = {}
    for case in cases:
        print(f"{case.task}: {case.path}", file=sys.stderr, flush=True)
        result = folder / f"{len(rows)}.pt"
        measured = _in_process(case, sizes, result)
        print(f"    {measured.seconds:.2f} s, core time {measured.core_seconds:.2f} s", file=sys.stderr, flush=True)
        reference, reference_result = plain.setdefault(case.task, (measured, result))
        rows.append(
            asdict(case) | asdict(measured) | {
                "speed": reference.core_seconds / measured.core_seconds,
                "operations share": measured.operations / reference.operations,
                "memory share": measured.peak_bytes / max(reference.peak_bytes, 1),
                "agreement": _agreement(case, reference_result, result),
            }
        )  # fmt: skip
    return rows


def _in_process(case: Case, sizes: Sizes, result: Path) -> Measured:
    # Threads that spin while they wait cost more than they gain where anything else runs; what an earlier benchmark
    # has compiled would hide the warm-up.
    environment = os.environ | {
        "OMP_WAIT_POLICY": "passive",
        "TORCHINDUCTOR_CACHE_DIR": str(result.parent / "compiled"),
    }
    command = [sys.executable, "-m", "patina.bench", "--case", str(CASES.index(case)), "--result", str(result)]
    finished = subprocess.run(
        [*command, *(["--quick"] if sizes.quick else [])],
        env=environment,
        check=True,
        text=True,
        stdout=subprocess.PIPE,
    )
    return Measured(**json.loads(finished.stdout.splitlines()[-1]))


def _agreement(case: Case, reference: Path, result: Path) -> str:
    """Say how close a case's result is to the plain path's."""
    import torch

    first, second = torch.load(reference), torch.load(result)
    if case.path == PLAIN:
        return "-"
    difference = (first - second).abs()
    if "training" in case.task:
        return f"gradients {difference.norm() / first.norm():.0e}"
    if BF16 in case.options:
        return f"{-10 * difference.square().mean().log10():.1f} dB"
    return f"{difference.max():.0e}"


# One case


def measure(case: Case, sizes: Sizes, result: Path) -> Measured:
    """Run a case here: once small to count and to warm up, then as it is; its result goes to the file `result`."""
    import torch

    from patina.runs.memory import PeakMemory

    prepare = TASKS[case.task]
    counted = replace(sizes, side=max(64, sizes.side // 4), batch=2)
    run, _ = prepare(replace(case, options=tuple(each for each in case.options if each != COMPILED)), counted)
    operations, moved = count(run)
    growth = (sizes.side / counted.side) ** 2 if "translation" in case.task else sizes.batch / counted.batch
    run, gather = prepare(case, sizes)
    times, core_times = [], []

    def timed_run() -> object:
        began, busy = time.perf_counter(), time.process_time()
        with freed_memory_kept() if case.path == PLAIN_KEPT else nullcontext():
            output = run()
        times.append(time.perf_counter() - began)
        core_times.append(time.process_time() - busy)
        return output

    with PeakMemory() as memory:
        timed_run()
    torch.save(gather(timed_run()), result)
    return Measured(
        min(times), min(core_times), growth * operations, growth * moved, memory.grown, warm_up=times[0] - min(times)
    )


Prepared = tuple[Callable[[], object], Callable[[object], object]]
"""What to time, and how to turn what it returns into the tensor that is compared."""


def deflow_translation(case: Case, sizes: Sizes) -> Prepared:
    """Translate a picture with a network of AIM's size and random weights."""
    import torch

    from patina.models.fast_deflow import FastDeFlow

    network = _deflow(sizes)
    image = torch.rand(1, 3, sizes.side, sizes.side, generator=torch.Generator().manual_seed(1))
    noise = tuple(
        torch.randn(1, c, sizes.side // d, sizes.side // d, generator=torch.Generator().manual_seed(2))
        for c, d in network.latent_layout
    )
    batch = (image, torch.nn.functional.avg_pool2d(image, network.architecture.scale), torch.zeros(1), noise)
    if case.is_plain:
        return partial(torch.inference_mode()(network.translate), *batch), _unchanged
    kept = 2**40 if ALL_KEPT in case.options else None
    fast = FastDeFlow(network, torch.bfloat16 if BF16 in case.options else torch.float32, kept)
    return partial(fast.translate, *batch), _unchanged


def deflow_training(case: Case, sizes: Sizes) -> Prepared:
    """Compute the objective's gradients for a batch."""
    import torch

    from patina.models.fast_objective import fast_objective

    network = _deflow(sizes)
    side, scale = sizes.patch, network.architecture.scale
    image = torch.rand(sizes.batch, 3, side, side, generator=torch.Generator().manual_seed(1))
    batch = (image, torch.nn.functional.avg_pool2d(image, scale), torch.arange(sizes.batch) % 2.0)
    recompute = next((option for option in case.options if option != BF16), "nothing")
    objective = network if case.is_plain else partial(fast_objective, network, recompute=recompute)

    def step() -> None:
        network.zero_grad()
        torch.manual_seed(3)
        with torch.autocast("cpu", torch.bfloat16, enabled=BF16 in case.options):
            bits = objective(*batch, quantisation=32).mean()
        bits.backward()

    return step, partial(_gradients, network)


def ludvae_translation(case: Case, sizes: Sizes) -> Prepared:
    """Translate a picture; the plain path computes the noise encoder as well, as the published one does."""
    import torch

    from patina.models.fast_ludvae import FastLUDVAE
    from patina.models.ludvae import LUDVAE, LUDVAEArchitecture

    torch.manual_seed(0)
    network = LUDVAE(LUDVAEArchitecture(channels=8 if sizes.quick else 128)).requires_grad_(False)
    for name, parameter in network.named_parameters():
        if parameter.ndim == 4:
            torch.nn.init.kaiming_normal_(parameter, nonlinearity="linear" if "Gau" in name else "relu")
            parameter.mul_(0.1 if ".v." in name else 1.0)
    network.outconv.weight.mul_(0.05)
    generator = torch.Generator().manual_seed(1)
    hidden = torch.rand(1, 3, sizes.side, sizes.side, generator=generator)
    channels = network.architecture.channels
    noise = [torch.randn(1, channels, sizes.side, sizes.side, generator=generator) for _ in range(3)]
    batch = (hidden, torch.zeros(1), noise, torch.ones(1))
    if not case.is_plain:
        return partial(
            FastLUDVAE(network, torch.bfloat16 if BF16 in case.options else torch.float32).translate, *batch
        ), _unchanged

    def published() -> object:
        with torch.inference_mode():
            network.encode_noise(hidden)
            return network.translate(*batch)

    return published, _unchanged


def realplksr_training(case: Case, sizes: Sizes) -> Prepared:
    """Compute the gradients of a RealPLKSR, as in ``confs/RealPLKSR-bsds500.yml``, for a batch."""
    import torch

    from patina.models.restoration import realplksr

    torch.manual_seed(0)
    network = realplksr(4, features=8 if sizes.quick else 32, blocks=1 if sizes.quick else 6, kernel=13)
    if COMPILED in case.options:
        network.compile()
    image = torch.rand(sizes.batch, 3, sizes.patch // 4, sizes.patch // 4)

    def step() -> None:
        network.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            result = network(image)
        result.float().square().mean().backward()

    return step, partial(_gradients, network)


def _gradients(network: "torch.nn.Module", _: object) -> object:  # noqa: F821 - imported where it is needed
    import torch

    return torch.cat([each.grad.flatten() for each in network.parameters() if each.grad is not None])


TASKS = {
    "DeFlow translation": deflow_translation,
    "DeFlow training": deflow_training,
    "LUD-VAE translation": ludvae_translation,
    "RealPLKSR training, bf16": realplksr_training,
}


def _deflow(sizes: Sizes) -> "DeFlow":  # noqa: F821 - imported below, where torch is needed
    """Return a network of AIM's size whose every weight matters and whose ActNorms are set."""
    import torch

    from patina.layers.coupling import ZeroConv
    from patina.models.deflow import DeFlow, DeFlowArchitecture

    tiny = DeFlowArchitecture(features=8, blocks=2, growth=4, stacked_blocks=(0, 1), steps=2, hidden=16)
    torch.manual_seed(0)
    network = DeFlow(tiny if sizes.quick else DeFlowArchitecture())
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, ZeroConv):
                layer.weight.normal_(std=0.01)
                layer.bias.normal_(std=0.1)
        image = torch.rand(1, 3, 64, 64)
        condition = torch.nn.functional.avg_pool2d(image, network.architecture.scale)
        network.initialise(image, condition, torch.zeros(1), quantisation=32)
    return network


def _unchanged(output: object) -> object:
    return output


def count(run: Callable[[], object]) -> tuple[float, float]:
    """Return the floating-point operations and the bytes of a run, the tensors of every operation read and written."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves
    from torch.utils.flop_counter import FlopCounterMode, conv_flop_count

    def fused(x: list, weight: list, *_: object, out_shape: list, **__: object) -> int:
        return conv_flop_count(x, weight, out_shape)

    def fused_onto(_other: list, x: list, weight: list, *_: object, out_shape: list, **__: object) -> int:
        return conv_flop_count(x, weight, out_shape)

    class Traffic(TorchDispatchMode):
        moved = 0

        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            result = function(*args, **(kwargs or {}))
            if not function.is_view:
                tensors = [each for each in tree_leaves((args, kwargs, result)) if isinstance(each, torch.Tensor)]
                self.moved += sum(each.nbytes for each in tensors)
            return result

    fused_ones = {
        torch.ops.mkldnn._convolution_pointwise: fused,
        torch.ops.mkldnn._convolution_pointwise_: fused_onto,
    }
    flops = FlopCounterMode(display=False, custom_mapping=fused_ones)
    with flops, Traffic() as traffic:
        run()
    return float(flops.get_total_flops()), float(traffic.moved)


# What is told


def machine() -> dict[str, str | int]:
    """Return what the figures depend on."""
    import torch

    from patina.layers.precision import BF16_CHECKS, has_fast_bf16

    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    name = next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor()
    )
    amx = bool(getattr(torch.cpu, BF16_CHECKS[0], lambda: False)())
    return {
        "processor": name,
        "threads": torch.get_num_threads(),
        "bf16": "AMX" if amx else "AVX512-BF16" if has_fast_bf16(torch.device("cpu")) else "none",
        "torch": torch.__version__,
    }


def start_up() -> dict[str, float]:
    """Return the seconds that two commands take from nothing, the quickest of three."""
    import numpy as np

    from patina.imaging.files import write_picture

    with tempfile.TemporaryDirectory() as folder:
        for side in ("results", "truth"):
            write_picture(Path(folder) / side / "0.png", np.full((64, 64, 3), 128, np.uint8))
        evaluate = ["evaluate", "-results", f"{folder}/results", "-truth", f"{folder}/truth", "-no_lpips"]
        commands = {"patina --help": ["--help"], "patina evaluate": evaluate}
        return {name: min(_seconds(arguments) for _ in range(3)) for name, arguments in commands.items()}


def _seconds(arguments: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "patina.cli", *arguments], check=True, capture_output=True)
    return time.perf_counter() - began


def table(document: dict) -> str:
    """Return the figures as a Markdown table, with the machine below it."""
    heads = [
        "",
        "path",
        "time",
        "core time",
        "warm-up",
        "times faster",
        "operations",
        "moved",
        "peak memory",
        "agreement",
    ]
    lines = ["| " + " | ".join(heads) + " |", "| --- | --- |" + " ---: |" * (len(heads) - 2)]
    for row in document["cases"]:
        cells = [
            row["task"],
            row["path"],
            f"{row['seconds']:.2f} s",
            f"{row['core_seconds']:.2f} s",
            f"{row['warm_up']:.1f} s" if row["warm_up"] else "",
            f"{row['speed']:.1f}",
            f"{row['operations'] / 1e12:.2f} T",
            f"{row['bytes_moved'] / 1e9:.1f} GB",
            f"{row['peak_bytes'] / 1e9:.2f} GB ({row['memory share']:.2f})",
            row["agreement"],
        ]
        lines.append("| " + " | ".join(cells) + " |")
    where = document["machine"]
    sizes = document["sizes"]
    starts = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in document["start-up (s)"].items())
    lines += [
        "",
        f"{where['processor']}, {where['threads']} threads, bf16 by {where['bf16']}, torch {where['torch']}. "
        f"Translation of {sizes['side']}x{sizes['side']} pixels, training steps of {sizes['batch']} patches of "
        f"{sizes['patch']}x{sizes['patch']}. Times faster is of core time, which does not count what other programs "
        f"take; peak memory is beyond the loaded model, in brackets its share of the plain path's. Start-up: {starts}.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
