"""Training DeFlow (Wolf et al., CVPR 2021, arXiv 2101.05796): maximum likelihood of both domains in one flow."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
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
from patina.layers.batch_draws import normal_like
from patina.models.deflow import DeFlow
from patina.models.fast_deflow import FastDeFlow
from patina.models.fast_objective import Recompute, fast_objective
from patina.models.labels import CLEAN, REAL
from patina.models.model_files import ModelFile, save_model_file
from patina.seeding import derive, seed_step
from patina.training.batch_parts import Batch
from patina.training.previews import load_centre_crop
from patina.training.processes import divided
from patina.training.task import Task, Validation
from patina.training.updates import Updater


@dataclass(frozen=True)
class DeFlowObjective:
    """Settings of the likelihood.

    Attributes:
        h: the domain-invariant map that computes the condition h(x) of an image x.
        quantisation: 1 / quantisation is the width of the uniform noise that dequantises images.
    """

    h: ConditionMap
    quantisation: int


class DeFlowTask(Task):
    """Trains a `DeFlow`.

    The objective is the negative log-likelihood (NLL) in bits per pixel position: bits/dim summed over the channels.

    Args:
        network: untrained or loaded.
        dataset: unpaired patches.
        objective: condition and quantisation.
        make_updater: makes the `Updater` for (fabric, name, network).
        fresh: whether the ActNorms are initialised from the first batch.
        recompute: what the backward pass of the fast objective recomputes; None uses the plain network.
        shown: the validation domains, clean and real.
        pictures, crop: number of validation pictures per domain, and side of their crops.
    """

    dataset: UnpairedPatches
    part_multiple = 2

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
        self.dataset: UnpairedPatches = dataset
        self.batch_size = dataset.batch
        self.objective = objective
        self.fresh = fresh
        self.recompute = recompute
        self._make_updater = make_updater
        for domain in shown:
            require_size(domain.images[:pictures], crop, "validation crop")
        self._crops = [[load_centre_crop(path, crop) for path in domain.images[:pictures]] for domain in shown]

    @property
    def statistics(self) -> DomainStatistics:
        """The channel statistics of the training data."""
        return self.dataset.statistics

    def setup(self, fabric: Fabric) -> None:
        """Move the flow to the device and make its optimiser."""
        self._fabric = fabric
        self.updater = self._make_updater(fabric, "flow", self.network)
        self.updaters = [self.updater]

    def start(self, batch: Batch) -> None:
        """Initialise the ActNorms of an untrained network from the first batch."""
        if self.fresh:
            batch = self.parts.whole(batch)
            condition = self._noisy(batch["condition"])
            self.network.initialise(batch["image"], condition, batch["label"], self.objective.quantisation)

    def training_step(self, batch: Batch, step: int) -> dict[str, float]:
        """Take one step on the mean objective of both domains."""

        def compute(part: Batch) -> tuple[Tensor, dict[str, float]]:
            objective = self._objective(part["image"], self._noisy(part["condition"]), part["label"])
            nll, real = objective.detach(), part["label"] > 0.5
            by_domain = {"nll_clean": float(nll[~real].mean()), "nll_real": float(nll[real].mean())}
            return objective.mean(), {"nll": float(nll.mean())} | by_domain

        return self.take_step(self.updater, batch, step, compute)

    def probe(self, batch: Batch) -> None:
        """Compute the objective with the plain network, in which hooks see every layer."""
        condition = self._noisy(batch["condition"])
        self.updater.module(batch["image"], condition, batch["label"], self.objective.quantisation)

    def validate(self) -> Validation:
        """Measure the NLL of both domains on the validation crops, and translate them in both directions."""
        device = next(self.network.parameters()).device
        found = Validation()
        columns = []
        for label, (crops, name) in enumerate(zip(self._crops, ("clean", "real"), strict=True)):
            nlls = divided(self._fabric, crops, partial(self._nll, label=label, device=device))
            found.scalars[f"nll_{name}"] = float(np.mean(nlls))
            columns += [crops, divided(self._fabric, crops, partial(self._translated, source=label))]
        rows = [[to_pixels(crop, np.uint8) for crop in row] for row in zip(*columns, strict=False)]
        found.pictures["translations"] = sheet(rows, ["clean", "clean to real", "real", "real to clean"])
        return found

    def save_model(self, path: Path, step: int) -> None:
        """Write a model file that contains its configuration and statistics."""
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

    def _objective(self, image: Tensor, condition: Tensor, label: Tensor) -> Tensor:
        quantisation = self.objective.quantisation
        if self.recompute is None:
            return self.updater.module(image, condition, label, quantisation)
        with self._fabric.autocast():
            return fast_objective(self.network, image, condition, label, quantisation, self.recompute)

    def _noisy(self, condition: Tensor) -> Tensor:
        return self.objective.h.final(condition, lambda number, shape: normal_like(condition))

    @torch.no_grad()
    def _nll(self, index: int, crop: Tensor, label: int, device: torch.device) -> float:
        seed_step("validation", label, index)
        condition = condition_of(crop, self.objective.h)
        if label == REAL:
            crop, condition = self.statistics.normalise_image(crop), self.statistics.normalise_condition(condition)
        condition = self.objective.h.local(condition, lambda number, shape: torch.randn(shape))
        labels = torch.full((1,), float(label), device=device)
        objective = self._objective(crop[None].to(device), self._noisy(condition[None].to(device)), labels)
        return float(objective)

    def _translated(self, index: int, crop: Tensor, source: int) -> Tensor:
        degradation = DeFlowDegradation(FastDeFlow(self.network), self.statistics, h=self.objective.h, source=source)
        names = {CLEAN: "clean", REAL: "real"}
        return degradation.apply(crop, {"heat": 1.0}, derive("preview", names[source], index))
