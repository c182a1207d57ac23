"""The cases of the benchmark: tasks, the paths of every task, and their sizes."""

from dataclasses import dataclass
from typing import Any

PLAIN = "plain"
BF16 = "bf16"
PLAIN_KEPT = "plain, freed memory kept"
ALL_KEPT = "all kept"
COMPILED = "compiled"

DEFLOW_TRANSLATION = "DeFlow translation"
DEFLOW_TRAINING = "DeFlow training"
LUDVAE_TRANSLATION = "LUD-VAE translation"
REALPLKSR_TRAINING = "RealPLKSR training, bf16"


@dataclass(frozen=True)
class Case:
    """One path of one task.

    Attributes:
        task: a key of `patina.bench.tasks.TASKS`.
        path: the row's name. The other paths are compared with `PLAIN`. `PLAIN_KEPT` is the same network within
            `freed_memory_kept`: it shows how much the fast paths gain from fewer large maps alone.
        options: options of the path, interpreted by the task.
    """

    task: str
    path: str
    options: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether the plain network computes."""
        return self.path in (PLAIN, PLAIN_KEPT)

    @property
    def is_half(self) -> bool:
        """Whether convolutions run in bfloat16."""
        return BF16 in self.options


CASES = [
    Case(DEFLOW_TRANSLATION, PLAIN),
    Case(DEFLOW_TRANSLATION, PLAIN_KEPT),
    Case(DEFLOW_TRANSLATION, "fast"),
    Case(DEFLOW_TRANSLATION, "fast, all kept", (ALL_KEPT,)),
    Case(DEFLOW_TRANSLATION, "fast, bf16", (BF16,)),
    Case(DEFLOW_TRANSLATION, "fast, all kept, bf16", (ALL_KEPT, BF16)),
    Case(DEFLOW_TRAINING, PLAIN),
    Case(DEFLOW_TRAINING, "fast, recompute hidden", ("hidden",)),
    Case(DEFLOW_TRAINING, "fast, recompute everything", ("everything",)),
    Case(DEFLOW_TRAINING, "fast, recompute hidden, bf16", ("hidden", BF16)),
    Case(LUDVAE_TRANSLATION, PLAIN),
    Case(LUDVAE_TRANSLATION, PLAIN_KEPT),
    Case(LUDVAE_TRANSLATION, "fast"),
    Case(LUDVAE_TRANSLATION, "fast, bf16", (BF16,)),
    Case(REALPLKSR_TRAINING, PLAIN, (BF16,)),
    Case(REALPLKSR_TRAINING, "torch.compile", (BF16, COMPILED)),
]


NETWORKS: dict[str, dict[str, Any]] = {
    "ESRGAN": {"num_filters": 64, "num_blocks": 6},
    "Compact": {"num_feat": 64, "num_conv": 16},
    "SPAN": {"feature_channels": 48},
    "RealPLKSR": {"dim": 64, "n_blocks": 8, "kernel_size": 17},
}
"""Networks that upscale, by spandrel's names: RRDBNet of 6 blocks instead of 23, RealPLKSR of 8 instead of 28, the
others at their published sizes."""

TINY: dict[str, dict[str, Any]] = {"Compact": {"num_feat": 8, "num_conv": 2}}
"""What takes their place in a smoke test."""


@dataclass(frozen=True)
class Sizes:
    """Sizes of the networks' inputs.

    Attributes:
        side: side of the translated picture in pixels.
        patch, batch: side of a training patch in pixels, and patches per step.
        quick: use tiny networks.
    """

    side: int = 512
    patch: int = 160
    batch: int = 8
    quick: bool = False


QUICK = Sizes(side=64, patch=32, batch=2, quick=True)


@dataclass(frozen=True)
class Measured:
    """The cost of a case.

    Attributes:
        seconds: time of the fastest run.
        core_seconds: processor time of the run that took the least.
        operations: floating-point operations, two per multiply-add.
        bytes_moved: bytes read and written by all operations, as if nothing stayed in a cache.
        peak_bytes: peak memory beyond the loaded model, on the device if it has its own.
        warm_up: seconds that the first run takes longer than the fastest.
        rate_fraction: operations per second, relative to a single large convolution of the same precision.
        busy_fraction: fraction of the time that the GPU is busy; None on other devices.
    """

    seconds: float
    core_seconds: float
    operations: float
    bytes_moved: float
    peak_bytes: int
    warm_up: float
    rate_fraction: float
    busy_fraction: float | None = None
