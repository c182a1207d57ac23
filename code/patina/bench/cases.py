"""What is measured: tasks, the paths of each, and their sizes."""

from dataclasses import dataclass

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
        task: what is done, a key of `patina.bench.tasks.TASKS`.
        path: the row's name; `PLAIN` is what the others are compared with. `PLAIN_KEPT` is the same network within
            `freed_memory_kept`: what of the others' gain comes from fewer large maps, not from fewer operations.
        options: of the path, in words that the task knows.
    """

    task: str
    path: str
    options: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether it is the plain network that computes."""
        return self.path in (PLAIN, PLAIN_KEPT)

    @property
    def is_half(self) -> bool:
        """Whether convolutions are computed in bfloat16."""
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


@dataclass(frozen=True)
class Measured:
    """What a case took.

    Attributes:
        seconds: of the quickest run.
        core_seconds: processor time of the run that took the least.
        operations: floating-point operations, two for each multiply-add.
        bytes_moved: read and written by all operations together, as if nothing stayed in a cache.
        peak_bytes: memory beyond the loaded model, the device's own where it has some.
        warm_up: seconds that the first run takes more than the quickest.
        rate_share: operations a second by those of a large convolution of the same precision alone.
    """

    seconds: float
    core_seconds: float
    operations: float
    bytes_moved: float
    peak_bytes: int
    warm_up: float
    rate_share: float
