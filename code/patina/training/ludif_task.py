"""Training LUD-DIF: first a diffusion model of clean images, then, on weak pairs that it makes, one of real images."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional

from patina.data.domains import ImageDomain, require_size
from patina.data.impulses import without_impulses
from patina.data.normalisation import ImageStatistics
from patina.data.unpaired import ImagesInTurn
from patina.degradations.ludif_configuration import KIND, LUDDIFConfiguration, LUDDIFSampling
from patina.degradations.ludif_degradation import LUDDIFDegradation
from patina.imaging.sheets import sheet
from patina.imaging.value_spaces import to_pixels
from patina.layers.batch_draws import integers_for, normal_like, uniform_like
from patina.models.additive_diffusion import remove_noise, with_noise
from patina.models.labels import CLEAN, REAL
from patina.models.ludif import LUDDIF, UNIT, LUDDIFLevels, from_units, to_units
from patina.models.model_files import ModelFile, save_model_file
from patina.seeding import derive, numpy_rng
from patina.training.batch_parts import Batch
from patina.training.ema import Ema
from patina.training.previews import load_centre_crop
from patina.training.task import Task, Validation
from patina.training.updates import Updater

QUANTILES = 101
"""Most quantiles of the real images' noise std that a model file holds."""

SHEET_TITLES = ["clean", "clean to real", "real", "its weak partner", "partner to real"]


@dataclass(frozen=True)
class LUDDIFObjective:
    """What is trained, and how the weak pairs are made.

    Attributes:
        levels: noise that is added on the way.
        clean_steps: steps of the model of clean images, which are the first.
        pairs: sampling of the weak pairs.
        sampling: sampling of previews, and the model file's default.
        replace_impulses: whether black and white values are replaced before a real image is hidden.
        ema: EMA decay.
    """

    levels: LUDDIFLevels
    clean_steps: int
    pairs: LUDDIFSampling
    sampling: LUDDIFSampling
    replace_impulses: bool
    ema: float


class LUDDIFTask(Task):
    """Trains a `LUDDIF`, one of its networks after the other; EMA networks make the pairs, are shown and saved.

    Args:
        network: untrained.
        dataset: patches of one domain at a time.
        statistics: channel statistics of the domains.
        objective: see `LUDDIFObjective`.
        make_updaters: make the `Updater` for (fabric, name, network), by the network's name.
        measure: returns the noise std (8-bit) of photos, given the clean images, too.
        restorer: maps real images to clean ones, ``[N, 3, H, W]`` in [0, 1]; None to make weak pairs by diffusion.
        shown: the validation domains, clean and real.
        pictures, crop: number of validation pictures per domain, and side of their crops.
    """

    dataset: ImagesInTurn

    def __init__(
        self,
        network: LUDDIF,
        dataset: ImagesInTurn,
        statistics: ImageStatistics,
        objective: LUDDIFObjective,
        make_updaters: dict[str, Callable[..., Updater]],
        *,
        measure: Callable[[Sequence[Path], Sequence[Path]], list[float]],
        restorer: nn.Module | None = None,
        shown: tuple[ImageDomain, ImageDomain],
        pictures: int,
        crop: int,
    ):
        self.network = network
        self.dataset = dataset
        self.batch_size = dataset.batch
        self.statistics = statistics
        self.objective = objective
        self.restorer = restorer
        self._make_updaters = make_updaters
        self._measure = measure
        files = [domain.images[:pictures] for domain in shown]
        for paths in files:
            require_size(paths, crop, "validation crop")
        self._real_files = files[REAL]
        self._crops = [[load_centre_crop(path, crop) for path in paths] for paths in files]

    def setup(self, fabric: Fabric) -> None:
        """Measure the real images' noise; make the optimisers and the EMA networks."""
        self.fabric = fabric
        clean, real = (domain.images for domain in self.dataset.domains)
        self.strengths = torch.tensor(self._measure(real, clean), device=fabric.device)
        self._shown_strengths = torch.tensor(self._measure(self._real_files, clean))
        networks = {"clean": self.network.clean, "real": self.network.real}
        trained = {name: network for name, network in networks.items() if network is not None}
        self._updaters = {name: self._make_updaters[name](fabric, name, network) for name, network in trained.items()}
        self._emas = {name: Ema(network, self.objective.ema) for name, network in trained.items()}
        self.updaters = list(self._updaters.values())
        if self.restorer is not None:
            self.restorer = self.restorer.to(fabric.device).eval().requires_grad_(False)
        with torch.device("meta"):
            self._averaged = LUDDIF(self.network.architecture, self.network.clean is not None)
        for name, ema in self._emas.items():
            setattr(self._averaged, name, ema.network)
        self._averaged.eval()

    def training_step(self, batch: Batch, step: int) -> dict[str, float]:
        """Take a step on the predicted noise, of clean images up to `clean_steps`, of real ones after it."""
        name = "clean" if step <= self.objective.clean_steps else "real"

        def compute(part: Batch) -> tuple[Tensor, dict[str, float]]:
            loss = self._loss(name, part)
            return loss, {f"loss_{name}": float(loss.detach())}

        logged = self.take_step(self._updaters[name], batch, step, compute)
        self._emas[name].update(self._updaters[name].network)
        return logged

    def probe(self, batch: Batch) -> None:
        """Compute both losses; which of them the failed step had is not known here."""
        for name in self._updaters:
            self._loss(name, batch)

    def validate(self) -> Validation:
        """Measure the losses on the validation crops, and show what is made of them."""
        clean, real = (torch.stack(crops).to(self.fabric.device) for crops in self._crops)
        found, own = Validation(), self._shown_strengths.to(self.fabric.device)
        cases = {"clean": (clean, self.strengths.median().expand(len(clean))), "real": (real, own)}
        for name, ema in self._emas.items():
            with torch.no_grad():
                found.scalars[f"loss_{name}"] = float(self._loss_of(name, ema.network.eval(), *cases[name]))
        partners = list(self._partners(real, own).cpu())
        columns = [
            self._crops[CLEAN],
            self._made_real(self._crops[CLEAN], "clean"),
            self._crops[REAL],
            partners,
            self._made_real(partners, "real", self._shown_strengths.tolist()),
        ]
        found.scalars["added_std"] = _added(columns[0], columns[1])
        found.scalars["real_std"] = float(self.strengths.mean())
        rows = [[to_pixels(crop, np.uint8) for crop in row] for row in zip(*columns, strict=False)]
        found.pictures["translations"] = sheet(rows, SHEET_TITLES)
        return found

    def save_model(self, path: Path, step: int) -> None:
        """Write the EMA networks to a model file that contains its configuration and statistics."""
        save_model_file(
            path.with_name(path.name + ".safetensors"),
            ModelFile(
                kind=KIND,
                configuration=self._configuration().model_dump(mode="json"),
                weights=self._averaged.state_dict(),
                statistics=self.statistics.to_dict(),
                step=step,
            ),
        )

    def state(self) -> dict[str, Any]:
        """Return the state that a resumed run needs."""
        return super().state() | {"ema": {name: ema.state() for name, ema in self._emas.items()}}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        super().load_state(state)
        for name, ema in self._emas.items():
            ema.load_state(state["ema"][name])

    def _loss(self, name: str, batch: Batch) -> Tensor:
        images = batch["image"]
        if name == "clean":  # as strong as the real images are
            own = self.strengths[integers_for(images, len(self.strengths))]
        else:
            own = self.strengths[batch["index"]]
        return self._loss_of(name, self._updaters[name].module, images, own)

    def _loss_of(self, name: str, network: nn.Module, images: Tensor, strength: Tensor) -> Tensor:
        """Return the mean squared error of the noise predicted at random levels.

        Args:
            name: "clean" or "real".
            network: predicts the noise.
            images: of that domain, ``[N, 3, H, W]``.
            strength: std (8-bit) of the real images' noise, ``[N]``.
        """
        # Low levels are the more frequent ones, as in sampling.
        levels, part = self.objective.levels, (1 - uniform_like(images[:, 0, 0, 0])) ** 2
        noise = normal_like(images)
        if name == "clean":
            level = part * levels.hidden(strength) / UNIT
            predicted = network(with_noise(to_units(images), level, noise), level)
        else:
            level = part * levels.starting(strength) / UNIT
            noisy = with_noise(to_units(self.statistics.normalise_image(images)), level, noise)
            given_level = levels.on_condition(level * UNIT, strength) / UNIT
            partners = to_units(self._partners(images, strength))
            given = with_noise(partners, given_level, normal_like(images))
            predicted = network(noisy, level, given, given_level, strength / UNIT)
        return functional.mse_loss(predicted.float(), noise)

    @torch.no_grad()
    def _partners(self, images: Tensor, strength: Tensor) -> Tensor:
        """Return weak partners of real images: clean ones ``[N, 3, H, W]`` in the clean set's statistics."""
        images = without_impulses(images) if self.objective.replace_impulses else images
        with self.fabric.autocast():
            if self.restorer is not None:
                return self.statistics.normalise_image(self.restorer(images).float())
            values, levels = to_units(self.statistics.normalise_image(images)), self.objective.levels
            hidden = with_noise(values, levels.hiding(strength) / UNIT, normal_like(values))
            clean = self._emas["clean"].network.eval()
            return from_units(
                remove_noise(
                    lambda noisy, level: clean(noisy, level).float(),
                    hidden,
                    levels.hidden(strength) / UNIT,
                    draw=lambda _: normal_like(values),
                    **self.objective.pairs.model_dump(),
                )
            ).clamp(0, 1)

    def _configuration(self) -> LUDDIFConfiguration:
        count = max(2, min(len(self.strengths), QUANTILES))
        quantiles = np.quantile(self.strengths.cpu().numpy(), np.linspace(0, 1, count))
        return LUDDIFConfiguration(
            architecture=self.network.architecture,
            levels=self.objective.levels,
            strengths=tuple(round(float(value), 3) for value in quantiles),
            sampling=self.objective.sampling,
            has_clean=self.network.clean is not None,
            replace_impulses=self.objective.replace_impulses,
        )

    def _made_real(self, crops: Sequence[Tensor], name: str, strengths: Sequence[float] = ()) -> list[Tensor]:
        """Make clean crops real, with the strengths given or drawn."""
        degradation = LUDDIFDegradation(self._averaged, self.statistics, self._configuration())
        made = []
        for index, crop in enumerate(crops):
            key = derive("preview", name, index)
            parameters = degradation.draw(numpy_rng(key, "parameters"))
            if strengths:
                parameters["strength"] = strengths[index]
            made.append(degradation.apply(crop, parameters, key))
        return made


def _added(before: Sequence[Tensor], after: Sequence[Tensor]) -> float:
    """Return the std (8-bit) of the differences of images."""
    return 255 * float((torch.stack(list(after)) - torch.stack(list(before))).std())
