"""Training SR3 (Saharia et al., arXiv 2104.07636): diffusion conditioned on the upscaled LQ picture."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn import functional

from patina.data.clean_tiles import CleanTiles, enlarged, shrink
from patina.imaging.sheets import sheet
from patina.imaging.value_spaces import to_pixels
from patina.layers.batch_draws import integers_for, normal_like
from patina.metrics.full_reference import means_of, scores_without_network
from patina.models.model_files import ModelFile, save_model_file
from patina.models.sr3 import KIND, SR3, Sampler, sample
from patina.seeding import torch_generator
from patina.training.batch_parts import Batch
from patina.training.ema import Ema
from patina.training.previews import load_centre_crop
from patina.training.processes import divided
from patina.training.task import Task, Validation
from patina.training.updates import Updater

LOSSES = {"l1": functional.l1_loss, "l2": functional.mse_loss}
SHOWN_TOGETHER = 4
"""Number of pictures sampled at once."""


class SR3Task(Task):
    """Trains an `SR3`; its EMA network is sampled and saved.

    Args:
        network: untrained.
        dataset: clean tiles.
        make_updater: makes the `Updater` for (fabric, name, network).
        loss: "l1" or "l2", on the predicted noise or velocity.
        ema_decay: EMA decay.
        sampling: sampler and number of steps, for validation and as defaults of the model file.
        shown: validation pictures; their centre crops are measured and shown.
    """

    dataset: CleanTiles

    def __init__(
        self,
        network: SR3,
        dataset: CleanTiles,
        make_updater: Callable[..., Updater],
        *,
        loss: str,
        ema_decay: float,
        sampling: tuple[Sampler, int],
        shown: Sequence[Path] = (),
    ):
        self.network = network
        self.dataset = dataset
        self.batch_size = dataset.batch
        self.loss = LOSSES[loss]
        self.ema_decay = ema_decay
        self.sampling = sampling
        self._make_updater = make_updater
        self._ground_truths = [load_centre_crop(path, dataset.side) for path in shown]

    def setup(self, fabric: Fabric) -> None:
        """Move the network to the device; make its optimiser and its EMA network."""
        self.fabric = fabric
        self.updater = self._make_updater(fabric, "sr3", self.network)
        self.updaters = [self.updater]
        self.ema = Ema(self.network, self.ema_decay)

    def training_step(self, batch: Batch, step: int) -> dict[str, float]:
        """Take one step at uniformly drawn diffusion times."""

        def compute(part: Batch) -> tuple[Tensor, dict[str, float]]:
            loss = self._loss(part)
            return loss, {"loss": float(loss.detach())}

        logged = self.take_step(self.updater, batch, step, compute)
        self.ema.update(self.network)
        return logged

    def probe(self, batch: Batch) -> None:
        """Compute the loss."""
        self._loss(batch)

    def validate(self) -> Validation:
        """Sample the validation crops; measure samples and bicubic upscaling with all metrics that need no network."""
        found = Validation()
        if not self._ground_truths:
            return found
        scale = self.network.architecture.scale
        conditions = [enlarged(shrink(gt, scale), scale) for gt in self._ground_truths]
        groups = [range(start, len(conditions))[:SHOWN_TOGETHER] for start in range(0, len(conditions), SHOWN_TOGETHER)]
        sampled = divided(self.fabric, groups, partial(self._sampled, conditions=torch.stack(conditions)))
        results = [picture for group in sampled for picture in group]
        columns = [
            [to_pixels(picture, np.uint8) for picture in pictures]
            for pictures in (conditions, results, self._ground_truths)
        ]
        for name, pictures in (("", columns[1]), ("_bicubic", columns[0])):
            scores = [scores_without_network(*pair) for pair in zip(pictures, columns[2], strict=True)]
            found.scalars |= {f"{key}{name}": mean for key, mean in means_of(scores).items()}
        found.pictures["samples"] = sheet(list(zip(*columns, strict=True)), ["bicubic", "sample", "ground truth"])
        return found

    def save_model(self, path: Path, step: int) -> None:
        """Write the EMA network to a model file that contains its configuration."""
        configuration = {
            "architecture": self.network.architecture.model_dump(mode="json"),
            "schedule": self.network.schedule.model_dump(mode="json"),
            "sampler": self.sampling[0],
            "steps": self.sampling[1],
            "side": self.dataset.side,
        }
        weights = self.ema.network.state_dict()
        file = path.with_name(path.name + ".safetensors")
        save_model_file(file, ModelFile(kind=KIND, configuration=configuration, weights=weights, step=step))

    def state(self) -> dict[str, Any]:
        """Return the state that a resumed run needs."""
        return super().state() | {"ema": self.ema.state()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        super().load_state(state)
        self.ema.load_state(state["ema"])

    def _loss(self, batch: Batch) -> Tensor:
        gt = batch["gt"]
        time = integers_for(gt, self.network.schedule.steps)
        noisy, target = self.network.noised(2 * gt - 1, normal_like(gt), time)
        predicted = self.updater.module(noisy, 2 * batch["condition"] - 1, time)
        return self.loss(predicted.float(), target)

    def _sampled(self, number: int, group: range, conditions: Tensor) -> list[Tensor]:
        """Sample pictures for a group of the conditions ``[N, 3, H, W]`` in [0, 1], always with the same noise."""
        network, schedule, device = self.ema.network.eval(), self.network.schedule, self.fabric.device
        generator = torch_generator("validation samples", number)
        given = (2 * conditions[group.start : group.stop] - 1).to(device)
        start = torch.randn(given.shape, generator=generator).to(device)

        def predict(noisy: Tensor, time: Tensor) -> Tensor:
            with self.fabric.autocast():
                return network(noisy, given, time.expand(len(noisy))).float()

        sampler, steps = self.sampling
        pictures = sample(predict, start, schedule, sampler=sampler, steps=steps, generator=generator)
        return [(picture / 2 + 0.5).cpu() for picture in pictures]
