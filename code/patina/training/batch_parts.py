"""The parts of a step's batch: every process computes some of them, one after the other, and their gradients add up."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from patina.errors import PatinaError
from patina.layers.batch_draws import drawing_for_part
from patina.training.processes import whole_tensor

Batch = dict[str, Any]
"""Tensors by name; LQ patches with unfinished recipe steps are a list."""


@dataclass(frozen=True)
class BatchParts:
    """Divides batches into equal parts of consecutive slots.

    Rank r of n computes the parts from r · accumulate on, of n · accumulate in all. Weights do not depend on the
    division, but for the order of float32 sums, and for batch normalisation, which sees one part.

    Attributes:
        fabric: the processes; None for one.
        accumulate: number of parts that a process computes one after the other.
    """

    fabric: Fabric | None = None
    accumulate: int = 1

    @property
    def processes(self) -> int:
        """Number of processes."""
        return self.fabric.world_size if self.fabric else 1

    @property
    def rank(self) -> int:
        """Number of this process."""
        return self.fabric.global_rank if self.fabric else 0

    @property
    def count(self) -> int:
        """Number of parts of a batch, over all processes."""
        return self.processes * self.accumulate

    def own_slots(self, batch_size: int) -> range:
        """Return the slots of this process."""
        size = batch_size // self.processes
        return range(self.rank * size, (self.rank + 1) * size)

    def require_divisible(self, batch_size: int, multiple: int = 1) -> None:
        """Make sure that batches can be divided.

        Args:
            batch_size: slots of a batch.
            multiple: what the size of a part must be a multiple of.

        Raises:
            PatinaError: they cannot.
        """
        if self.count > 1 and batch_size % (self.count * multiple):
            each = "an even number of images" if multiple == 2 else "the same number of images"
            raise PatinaError(
                f"data.batch {batch_size} cannot be divided into {self.count} parts (devices {self.processes} times "
                f"accumulate {self.accumulate}) with {each} in each; use a multiple of {self.count * multiple}"
            )

    def whole(self, batch: Batch) -> Batch:
        """Return the batch of all processes, whose own batch is `batch`; its values are tensors."""
        return {name: self.joined(value) for name, value in batch.items()}

    def joined(self, own: Tensor) -> Tensor:
        """Return the tensors ``[N, ...]`` of all processes, one after the other."""
        return whole_tensor(self.fabric, own) if self.fabric else own

    def own(self, batch: Batch) -> Batch:
        """Return this process's part of the batch of all processes."""
        return {name: _part(value, self.rank, self.processes) for name, value in batch.items()}

    def of(self, batch: Batch) -> Iterator[Batch]:
        """Yield the parts of this process's batch; draws in between are those of the undivided batch.

        Args:
            batch: tensors ``[N, ...]`` or lists of N by name.
        """
        generator = Generators() if self.accumulate > 1 else None
        for number in range(self.accumulate):
            if generator is not None:
                generator.rewind()
            with drawing_for_part(self.rank * self.accumulate + number, self.count):
                yield {name: _part(value, number, self.accumulate) for name, value in batch.items()}


def _part(value: Any, number: int, count: int) -> Any:
    size = len(value) // count
    return value[number * size : (number + 1) * size]


class Generators:
    """The state of torch's random numbers, on all devices."""

    def __init__(self) -> None:
        self._cpu = torch.get_rng_state()
        self._cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []

    def rewind(self) -> None:
        """Return to the state."""
        torch.set_rng_state(self._cpu)
        if self._cuda:
            torch.cuda.set_rng_state_all(self._cuda)
