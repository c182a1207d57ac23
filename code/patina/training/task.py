"""The interface of training tasks to the training loop."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.utils.data import Dataset

from patina.training.batch_parts import Batch, BatchParts
from patina.training.buffers import remembered_buffers
from patina.training.updates import Updater

Losses = Tensor | Mapping[str, Tensor]
"""A loss, or losses by name that are summed."""


@dataclass
class Validation:
    """The results of a validation: numbers by name, and pictures (RGB uint8 ``[H, W, 3]``) by name."""

    scalars: dict[str, float] = field(default_factory=dict)
    pictures: dict[str, np.ndarray] = field(default_factory=dict)


class Task(ABC):
    """Owns networks and losses, and computes training steps.

    Attributes:
        dataset: training samples by (step, slot).
        batch_size: number of slots per step.
        updaters: one for every trained network; set by `setup`.
        collate: turns samples into a batch; None for torch's default.
        parts: the division of batches; set by the loop before `setup`.
        part_multiple: what the number of slots in a part must be a multiple of.
    """

    dataset: Dataset[Any]
    batch_size: int
    updaters: list[Updater]
    collate: Callable[[list[Any]], Batch] | None = None
    parts: BatchParts = BatchParts()
    part_multiple: int = 1

    @abstractmethod
    def setup(self, fabric: Fabric) -> None:
        """Put the networks on their device and make the updaters."""

    def start(self, batch: Batch) -> None:  # noqa: B027 - most tasks need nothing here
        """Initialise a fresh run from its first batch, which is this process's alone, before the first step."""

    @abstractmethod
    def training_step(self, batch: Batch, step: int) -> dict[str, float]:
        """Train on one batch, this process's alone, and return the numbers to log.

        Raises:
            NotFinite: a loss or gradient is not finite.
        """

    def take_step(
        self, updater: Updater, batch: Batch, step: int, compute: Callable[[Batch], tuple[Losses, dict[str, float]]]
    ) -> dict[str, float]:
        """Take a step of one network.

        Args:
            updater: the network's.
            batch: of this process.
            step: number of the step.
            compute: returns the losses of a part of the batch, means over it, and its numbers to log.

        Raises:
            NotFinite: a loss or gradient is not finite.
        """

        def on_part(part: Batch) -> dict[str, float]:
            losses, numbers = compute(part)
            updater.add(losses, self.parts)
            return numbers

        updater.begin()
        numbers = self.over_parts(batch, on_part)
        logged = updater.finish(step)
        updater.apply(step)
        return logged | numbers

    def over_parts(self, batch: Batch, compute: Callable[[Batch], dict[str, float]]) -> dict[str, float]:
        """Compute the parts of a batch one after the other, from the same buffers; return the means of the numbers."""
        found: list[dict[str, float]] = []
        restore = remembered_buffers(self.networks.values()) if self.parts.accumulate > 1 else None
        for part in self.parts.of(batch):
            if restore is not None and found:
                restore()
            found.append(compute(part))
        return {name: sum(numbers[name] for numbers in found) / len(found) for name in found[0]}

    @abstractmethod
    def probe(self, batch: Batch) -> None:
        """Repeat the forward passes of `training_step` without training, to diagnose a failed step."""

    @abstractmethod
    def validate(self) -> Validation:
        """Measure the networks; the result depends only on their weights."""

    @contextmanager
    def evaluated_weights(self) -> Iterator[None]:
        """Give all networks the weights that are validated and saved, inside the ``with`` block."""
        with ExitStack() as stack:
            for updater in self.updaters:
                stack.enter_context(updater.evaluated())
            yield

    def has_begun(self, step: int) -> bool:
        """Return whether `training_step` has begun to change the weights at a step."""
        return any(updater.last_step >= step for updater in self.updaters)

    @abstractmethod
    def save_model(self, path: Path, step: int) -> None:
        """Write the trained model to `path` plus a suffix chosen by the task."""

    @property
    def networks(self) -> dict[str, nn.Module]:
        """The trained networks by name."""
        return {updater.name: updater.network for updater in self.updaters}

    def state(self) -> dict[str, Any]:
        """Return the state that a resumed run needs."""
        return {updater.name: updater.state() for updater in self.updaters}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        for updater in self.updaters:
            updater.load_state(state[updater.name])
