"""Training DeFlow: maximum likelihood of both domains in one flow."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from patina.conditions.condition_map import ConditionMap
from patina.data.domains import Domain, require_size
from patina.data.normalisation import DomainStatistics
from patina.data.unpaired import UnpairedPatches
from patina.degradations.deflow_degradation import KIND, DeFlowDegradation, condition_of, described_map
from patina.imaging.sheets import sheet
from patina.imaging.value_spaces import to_pixels
from patina.models.deflow import DeFlow
from patina.models.fast_deflow import FastDeFlow
from patina.models.fast_objective import Recompute, fast_objective
from patina.models.labels import CLEAN, REAL
from patina.models.model_files import ModelFile, save_model_file
from patina.seeding import derive
from patina.training.previews import centre
from patina.training.task import Batch, Task, Validation
from patina.training.updates import Updater


@dataclass(frozen=True)
class DeFlowObjective:
    """What the likelihood is taken of: the map h that makes conditions, and the images' quantisation."""

    h: ConditionMap
    quantisation: int


class DeFlowTask(Task):
    """Trains one `DeFlow`; the objective is in bits per pixel position.

    Args:
        network: fresh or loaded.
        dataset: unpaired patches.
        objective: noise and quantisation.
        make_updater: gives the optimiser step for (fabric, name, network).
        fresh: whether ActNorm is still to be set from the first batch.
        recompute: what the backward pass of the fast objective computes again; None takes the plain network's.
        shown: the domains that validation measures and shows, clean and real.
        pictures, crop: how many pictures of each are shown, and the side of their crops.
    """

    def __init__(
        self,
        network: DeFlow,
        dataset: UnpairedPatches,
        objective: DeFlowObjective,
        make_updater: Callable[..., Updater],
        *,
        fresh: bool,
        recompute: Recompute | None = None,
        shown: tuple[Domain, Domain],
        pictures: int,
        crop: int,
    ):
        self.network = network
        self.dataset = dataset
        self.batch_size = dataset.batch
        self.objective = objective
        self.fresh = fresh
        self.recompute = recompute
        self._make_updater = make_updater
        for domain in shown:
            require_size(domain.images[:pictures], crop, "validation crop")
        self._crops = [[centre(path, crop) for path in domain.images[:pictures]] for domain in shown]

    @property
    def statistics(self) -> DomainStatistics:
        """The training data's statistics."""
        return self.dataset.statistics

    def setup(self, fabric: Fabric) -> None:
        """Put the flow on its device and make its optimiser."""
        self._fabric = fabric
        self.updater = self._make_updater(fabric, "flow", self.network)
        self.updaters = [self.updater]

    def start(self, batch: Batch) -> None:
        """Set the ActNorms of a fresh network from the first batch."""
        if self.fresh:
            condition = self._noisy(batch["condition"])
            self.network.initialise(batch["image"], condition, batch["label"], self.objective.quantisation)

    def training_step(self, batch: Batch, step: int) -> dict[str, float]:
        """Take one step on the mean objective of both domains."""
        bits = self._bits(batch)
        logged = self.updater.update(bits.mean(), step)
        bits, real = bits.detach(), batch["label"] > 0.5
        by_domain = {"bits_clean": float(bits[~real].mean()), "bits_real": float(bits[real].mean())}
        return {"bits": float(bits.mean())} | by_domain | logged

    def probe(self, batch: Batch) -> None:
        """Compute the objective layer by layer: in the plain network every layer can be watched."""
        condition = self._noisy(batch["condition"])
        self.updater.module(batch["image"], condition, batch["label"], self.objective.quantisation)

    def validate(self) -> Validation:
        """Measure both domains' bits per position on the shown crops and translate these both ways."""
        device = next(self.network.parameters()).device
        found = Validation()
        columns = []
        for label, (crops, name) in enumerate(zip(self._crops, ("clean", "real"), strict=True)):
            found.scalars[f"bits_{name}"] = float(np.mean([self._bits_of(crop, label, device) for crop in crops]))
            columns += [crops, self._translated(crops, label)]
        rows = [[to_pixels(crop, np.uint8) for crop in row] for row in zip(*columns, strict=False)]
        found.pictures["translations"] = sheet(rows, ["clean", "clean to real", "real", "real to clean"])
        return found

    def save_model(self, path: Path, step: int) -> None:
        """Write a model file that explains itself."""
        save_model_file(
            path.with_name(path.name + ".safetensors"),
            ModelFile(
                kind=KIND,
                configuration={
                    "architecture": asdict(self.network.architecture),
                    **described_map(self.objective.h),
                },
                weights=self.network.state_dict() | self.objective.h.weights(),
                statistics=self.statistics.to_dict(),
                step=step,
            ),
        )

    def _bits(self, batch: Batch) -> Tensor:
        condition = self._noisy(batch["condition"])
        return self._objective(batch["image"], condition, batch["label"])

    def _objective(self, image: Tensor, condition: Tensor, label: Tensor) -> Tensor:
        quantisation = self.objective.quantisation
        if self.recompute is None:
            return self.updater.module(image, condition, label, quantisation)
        with self._fabric.autocast():
            return fast_objective(self.network, image, condition, label, quantisation, self.recompute)

    def _noisy(self, condition: Tensor) -> Tensor:
        return self.objective.h.final(condition, lambda number, shape: torch.randn_like(condition))

    @torch.no_grad()
    def _bits_of(self, crop: Tensor, label: int, device: torch.device) -> float:
        condition = condition_of(crop, self.objective.h)
        if label == REAL:
            crop, condition = self.statistics.normalise_image(crop), self.statistics.normalise_condition(condition)
        condition = self.objective.h.local(condition, lambda number, shape: torch.randn(shape))
        labels = torch.full((1,), float(label), device=device)
        return float(self._objective(crop[None].to(device), self._noisy(condition[None].to(device)), labels))

    def _translated(self, crops: list[Tensor], source: int) -> list[Tensor]:
        degradation = DeFlowDegradation(FastDeFlow(self.network), self.statistics, h=self.objective.h, source=source)
        names = {CLEAN: "clean", REAL: "real"}
        return [
            degradation.apply(crop, {"heat": 1.0}, derive("preview", names[source], index))
            for index, crop in enumerate(crops)
        ]
