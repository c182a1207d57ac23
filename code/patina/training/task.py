"""What the loop asks of a task."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.utils.data import Dataset

from patina.training.updates import Updater

Batch = dict[str, Tensor]


@dataclass
class Validation:
    """What a validation found: numbers by name, and pictures (RGB uint8 ``[H, W, 3]``) by name."""

    scalars: dict[str, float] = field(default_factory=dict)
    pictures: dict[str, np.ndarray] = field(default_factory=dict)


class Task(ABC):
    """Owns its networks and losses, and computes one training step.

    Attributes:
        dataset: samples by (step, slot).
        batch_size: slots of a step.
        updaters: one for every network that is trained; set by `setup`.
        collate: makes a batch of samples; None for torch's own way.
        stopped: whether the training is to end with the validation just done.
    """

    dataset: Dataset
    batch_size: int
    updaters: list[Updater]
    collate: Callable[[list[Any]], Batch] | None = None
    stopped: bool = False

    @abstractmethod
    def setup(self, fabric: Fabric) -> None:
        """Put the networks on their device and make the updaters."""

    def start(self, batch: Batch) -> None:  # noqa: B027 - most tasks need nothing here
        """Do what the first batch of a fresh run is needed for, before the first step."""

    @abstractmethod
    def training_step(self, batch: Batch, step: int) -> dict[str, float]:
        """Train on one batch; return the numbers to log.

        Raises:
            NotFinite: a loss or gradient is not finite.
        """

    @abstractmethod
    def probe(self, batch: Batch) -> None:
        """Repeat the forward passes of `training_step` without training, for the diagnosis of a failed one."""

    @abstractmethod
    def validate(self) -> Validation:
        """Measure and show where the training stands; the same at every call but for the weights."""

    @abstractmethod
    def save_model(self, path: Path, step: int) -> None:
        """Write the trained model to `path` (without suffix); the suffix is the task's."""

    @property
    def networks(self) -> dict[str, nn.Module]:
        """The trained networks by name."""
        return {updater.name: updater.network for updater in self.updaters}

    def state(self) -> dict[str, Any]:
        """Return all resumable state."""
        return {updater.name: updater.state() for updater in self.updaters}

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what `state` returned."""
        for updater in self.updaters:
            updater.load_state(state[updater.name])
