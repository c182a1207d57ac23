"""A fixed number of patches from every picture, the same in every epoch."""

from typing import Any, Protocol

from torch.utils.data import Dataset

from patina.data.order import ShuffledOrder
from patina.seeding import derive


class Patches(Protocol):
    """Patches that are a function of (step, slot), each picture chosen once in `batch` slots of a step."""

    batch: int
    seed: int

    def __getitem__(self, place: tuple[int, int]) -> dict[str, Any]:
        """Return one sample."""


class FixedPatches(Dataset[dict[str, Any]]):
    """The same patches in every epoch, in a new order; a sample is a function of (seed, step, slot) alone.

    Args:
        patches: the source; its batch is the number of pictures, so that a step takes one patch from each.
        count: patches from a picture.
        batch: samples in a batch.
    """

    def __init__(self, patches: Patches, *, count: int, batch: int):
        self.patches = patches
        self.batch = batch
        self.order = ShuffledOrder(count * patches.batch, derive(patches.seed, "fixed patches"))
        self.collate = getattr(patches, "collate", None)

    @property
    def epoch(self) -> int:
        """The number of steps, rounded up, in which every patch is seen."""
        return -(-self.order.n // self.batch)

    def __getitem__(self, place: tuple[int, int]) -> dict[str, Any]:
        """Return the sample at (step, counted from 1, and slot in the batch); see `PairedPatches`."""
        step, slot = place
        pass_, picture = divmod(self.order((step - 1) * self.batch + slot), self.patches.batch)
        return self.patches[pass_ + 1, picture]
