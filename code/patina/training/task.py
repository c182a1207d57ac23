"""The interface of training tasks to the training loop."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from lightning_fabric import Fabric
from torch import nn
from torch.utils.data import Dataset

from patina.training.updates import Updater

Batch = dict[str, Any]
"""Tensors by name; LQ patches with unfinished recipe steps are a list."""


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
    """

    dataset: Dataset[Any]
    batch_size: int
    updaters: list[Updater]
    collate: Callable[[list[Any]], Batch] | None = None

    @abstractmethod
    def setup(self, fabric: Fabric) -> None:
        """Put the networks on their device and make the updaters."""

    def start(self, batch: Batch) -> None:  # noqa: B027 - most tasks need nothing here
        """Initialise a fresh run from its first batch, before the first step."""

    @abstractmethod
    def training_step(self, batch: Batch, step: int) -> dict[str, float]:
        """Train on one batch and return the numbers to log.

        Raises:
            NotFinite: a loss or gradient is not finite.
        """

    @abstractmethod
    def probe(self, batch: Batch) -> None:
        """Repeat the forward passes of `training_step` without training, to diagnose a failed step."""

    @abstractmethod
    def validate(self) -> Validation:
        """Measure the networks; the result depends only on their weights."""

    def has_begun(self, step: int) -> bool:
        """Return whether `training_step` has begun to change the weights at a step."""
        return any(updater.last_step >= step for updater in self.updaters)

    def has_stopped(self) -> bool:
        """Return whether training ends after the last validation."""
        return False

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
