"""Training SR3: the noise in a picture is learned from what the picture looks like at low resolution."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn import functional

from patina.data.clean_tiles import Squares, enlarged, shrink
from patina.imaging.sheets import sheet
from patina.imaging.value_spaces import to_pixels
from patina.metrics.psnr import psnr
from patina.metrics.ssim import ssim
from patina.models.model_files import ModelFile, save_model_file
from patina.models.sr3 import KIND, SR3, Sampler, sample
from patina.seeding import torch_generator
from patina.training.ema import Ema
from patina.training.previews import centre
from patina.training.task import Batch, Task, Validation
from patina.training.updates import Updater

LOSSES = {"l1": functional.l1_loss, "l2": functional.mse_loss}
SHOWN_TOGETHER = 4
"""Pictures sampled at once."""


class SR3Task(Task):
    """Trains one `SR3`; samples and files are of its moving average.

    Args:
        network: fresh.
        dataset: squares.
        make_updater: gives the optimiser step for (fabric, name, network).
        loss: "l1" or "l2", of noise or velocity.
        decay: of the moving average.
        sampling: sampler and its steps, for validation and as the file's own.
        shown: pictures whose middle squares are measured and shown.
    """

    def __init__(
        self,
        network: SR3,
        dataset: Squares,
        make_updater: Callable[..., Updater],
        *,
        loss: str,
        decay: float,
        sampling: tuple[Sampler, int],
        shown: Sequence[Path] = (),
    ):
        self.network = network
        self.dataset = dataset
        self.batch_size = dataset.batch
        self.loss = LOSSES[loss]
        self.decay = decay
        self.sampling = sampling
        self._make_updater = make_updater
        self._truths = [centre(path, dataset.side) for path in shown]

    def setup(self, fabric: Fabric) -> None:
        """Put the network on its device, make its optimiser and its average."""
        self.fabric = fabric
        self.updater = self._make_updater(fabric, "sr3", self.network)
        self.updaters = [self.updater]
        self.average = Ema(self.network, self.decay)

    def training_step(self, batch: Batch, step: int) -> dict[str, float]:
        """Take one step at times drawn evenly."""
        loss = self._loss(batch)
        logged = self.updater.update(loss, step)
        self.average.update(self.network)
        return logged | {"loss": float(loss.detach())}

    def probe(self, batch: Batch) -> None:
        """Compute the loss."""
        self._loss(batch)

    def validate(self) -> Validation:
        """Sample the shown squares from their small pictures; measure PSNR and SSIM, and bicubic's beside them."""
        found = Validation()
        if not self._truths:
            return found
        scale = self.network.architecture.scale
        conditions = [enlarged(shrink(truth, scale), scale) for truth in self._truths]
        results = self._sampled(torch.stack(conditions))
        columns = [[to_pixels(each, np.uint8) for each in pictures] for pictures in (conditions, results, self._truths)]
        for name, pictures in (("", columns[1]), ("_bicubic", columns[0])):
            pairs = list(zip(pictures, columns[2], strict=True))
            found.scalars[f"psnr{name}"] = float(np.mean([psnr(*pair) for pair in pairs]))
            found.scalars[f"ssim{name}"] = float(np.mean([ssim(*pair) for pair in pairs]))
        found.pictures["samples"] = sheet(list(zip(*columns, strict=True)), ["bicubic", "sample", "truth"])
        return found

    def save_model(self, path: Path, step: int) -> None:
        """Write the average as a model file that explains itself."""
        configuration = {
            "architecture": self.network.architecture.model_dump(mode="json"),
            "schedule": self.network.schedule.model_dump(mode="json"),
            "sampler": self.sampling[0],
            "steps": self.sampling[1],
            "side": self.dataset.side,
        }
        weights = self.average.network.state_dict()
        file = path.with_name(path.name + ".safetensors")
        save_model_file(file, ModelFile(kind=KIND, configuration=configuration, weights=weights, step=step))

    def state(self) -> dict[str, Any]:
        """Return all resumable state."""
        return super().state() | {"average": self.average.state()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what `state` returned."""
        super().load_state(state)
        self.average.load_state(state["average"])

    def _loss(self, batch: Batch) -> Tensor:
        truth = batch["gt"]
        time = torch.randint(self.network.schedule.steps, (len(truth),), device=truth.device)
        noisy, wanted = self.network.noised(2 * truth - 1, torch.randn_like(truth), time)
        said = self.updater.module(noisy, 2 * batch["condition"] - 1, time)
        return self.loss(said.float(), wanted)

    def _sampled(self, conditions: Tensor) -> list[Tensor]:
        """Sample ``[N, 3, H, W]`` in [0, 1], the noise always the same."""
        network, device = self.average.network.eval(), self.fabric.device
        generator = torch_generator("validation samples")
        results: list[Tensor] = []
        for condition in conditions.split(SHOWN_TOGETHER):
            given = (2 * condition - 1).to(device)
            start = torch.randn(given.shape, generator=generator).to(device)

            def predict(noisy: Tensor, time: Tensor, given: Tensor = given) -> Tensor:
                with self.fabric.autocast():
                    return network(noisy, given, time.expand(len(noisy))).float()

            sampler, steps = self.sampling
            pictures = sample(
                predict, start, network.schedule, sampler=sampler, steps=steps, generator=generator
            )  # fmt: skip
            results += [(each / 2 + 0.5).cpu() for each in pictures]
        return results
