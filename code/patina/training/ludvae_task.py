"""Training LUD-VAE (Zheng et al., arXiv 2204.10090): the evidence bound of both domains in one network."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from patina.data.domains import ImageDomain, require_size
from patina.data.normalisation import ImageStatistics
from patina.data.unpaired import UnpairedImages
from patina.degradations.ludvae_degradation import DOMAIN_NAMES, KIND, LUDVAEDegradation, hide
from patina.imaging.sheets import sheet
from patina.imaging.value_spaces import to_pixels
from patina.layers.batch_draws import normal_like
from patina.models.fast_ludvae import FastLUDVAE
from patina.models.labels import CLEAN, REAL
from patina.models.ludvae import LUDVAE, evidence_bound
from patina.models.model_files import ModelFile, save_model_file
from patina.seeding import derive, seed_step
from patina.training.batch_parts import Batch
from patina.training.previews import load_centre_crop
from patina.training.processes import divided
from patina.training.task import Task, Validation
from patina.training.updates import Updater

SHEET_TITLES = ["clean", "clean to real", "temperature 0", "real", "real to clean"]


@dataclass(frozen=True)
class LUDVAEObjective:
    """Settings of the evidence lower bound (ELBO).

    Attributes:
        noise_level: std (8-bit) of the noise that hides the domain, ``{"clean": …, "real": …}``.
        kl_rise: increase of the KL weight per step.
        kl_end: final KL weight.
    """

    noise_level: dict[str, float]
    kl_rise: float
    kl_end: float

    def kl_weight(self, step: int) -> float:
        """Return the weight of the KL terms at a step, counted from 1."""
        return min(self.kl_rise * step, self.kl_end)


class LUDVAETask(Task):
    """Trains a `LUDVAE`.

    Args:
        network: untrained or loaded.
        dataset: unpaired patches.
        statistics: channel statistics of the domains.
        objective: noise levels and KL weight.
        make_updater: makes the `Updater` for (fabric, name, network).
        shown: the validation domains, clean and real.
        pictures, crop: number of validation pictures per domain, and side of their crops.
    """

    part_multiple = 2

    def __init__(
        self,
        network: LUDVAE,
        dataset: UnpairedImages,
        statistics: ImageStatistics,
        objective: LUDVAEObjective,
        make_updater: Callable[..., Updater],
        *,
        shown: tuple[ImageDomain, ImageDomain],
        pictures: int,
        crop: int,
    ):
        self.network = network
        self.dataset = dataset
        self.batch_size = dataset.batch
        self.statistics = statistics
        self.objective = objective
        self._make_updater = make_updater
        for domain in shown:
            require_size(domain.images[:pictures], crop, "validation crop")
        self._crops = [[load_centre_crop(path, crop) for path in domain.images[:pictures]] for domain in shown]

    def setup(self, fabric: Fabric) -> None:
        """Move the network to the device and make its optimiser."""
        self._fabric = fabric
        self.updater = self._make_updater(fabric, "ludvae", self.network)
        self.updaters = [self.updater]

    def training_step(self, batch: Batch, step: int) -> dict[str, float]:
        """Take one step on the squared error plus the weighted KL terms."""
        weight = self.objective.kl_weight(step)

        def compute(part: Batch) -> tuple[Tensor, dict[str, float]]:
            error, divergence = self._losses(part["image"], part["label"])
            losses = {"loss": error + weight * divergence, "reconstruction": error, "kl": divergence}
            return losses["loss"], {name: float(value.detach()) for name, value in losses.items()}

        return self.take_step(self.updater, batch, step, compute) | {"kl_weight": weight}

    def probe(self, batch: Batch) -> None:
        """Compute the losses."""
        self._losses(batch["image"], batch["label"])

    def validate(self) -> Validation:
        """Measure the losses of both domains on the validation crops, and translate them in both directions."""
        found = Validation()
        for label, name in DOMAIN_NAMES.items():
            losses = divided(self._fabric, self._crops[label], partial(self._losses_of_crop, label=label))
            error, divergence = np.mean(losses, axis=0)
            found.scalars |= {f"reconstruction_{name}": float(error), f"kl_{name}": float(divergence)}
        made = [
            divided(self._fabric, self._crops[source], partial(self._translated, source=source, temperature=value))
            for source, value in ((CLEAN, 1.0), (CLEAN, 0.0), (REAL, 1.0))
        ]
        columns = [self._crops[CLEAN], *made[:2], self._crops[REAL], made[2]]
        rows = [[to_pixels(crop, np.uint8) for crop in row] for row in zip(*columns, strict=False)]
        found.pictures["translations"] = sheet(rows, SHEET_TITLES)
        return found

    def save_model(self, path: Path, step: int) -> None:
        """Write a model file that contains its configuration and statistics."""
        save_model_file(
            path.with_name(path.name + ".safetensors"),
            ModelFile(
                kind=KIND,
                configuration={
                    "architecture": asdict(self.network.architecture),
                    "noise_level": self.objective.noise_level,
                },
                weights=self.network.state_dict(),
                statistics=self.statistics.to_dict(),
                step=step,
            ),
        )

    def _losses(self, image: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        """Return the squared error and the KL terms of images that are not normalised yet, ``[N, 3, H, W]``."""
        real = label.view(-1, 1, 1, 1) > 0.5
        levels = self.objective.noise_level
        hidden = hide(image, normal_like(image), torch.where(real, levels["real"], levels["clean"]))
        hidden = torch.where(real, self.statistics.normalise_noisy(hidden), hidden)
        image = torch.where(real, self.statistics.normalise_image(image), image)
        reconstruction, divergence = self.updater.module(image, hidden, label)
        return evidence_bound(image, reconstruction, divergence, label)

    @torch.no_grad()
    def _losses_of_crop(self, index: int, crop: Tensor, label: int) -> tuple[float, float]:
        seed_step("validation", label, index)
        device = next(self.network.parameters()).device
        error, divergence = self._losses(crop[None].to(device), torch.full((1,), float(label), device=device))
        return float(error), float(divergence)

    def _translated(self, index: int, crop: Tensor, source: int, temperature: float) -> Tensor:
        level = self.objective.noise_level[DOMAIN_NAMES[source]]
        degradation = LUDVAEDegradation(FastLUDVAE(self.network), self.statistics, noise_level=level, source=source)
        parameters = {"noise_level": level, "temperature": temperature, "detail": 0.0}
        return degradation.apply(crop, parameters, derive("preview", DOMAIN_NAMES[source], index))
