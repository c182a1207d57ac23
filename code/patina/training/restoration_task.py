"""Training a super-resolution network on pairs: pixel, perceptual and adversarial losses (ESRGAN)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from patina.data.on_the_fly import OnTheFlyPatches
from patina.data.pairs import Pair, PairedPatches
from patina.imaging.files import read_picture, to_pixels, to_tensor
from patina.imaging.resize import imresize
from patina.imaging.sheets import sheet
from patina.imaging.tiles import apply_tiled
from patina.losses.gan import ragan_discriminator, ragan_generator
from patina.losses.pixel import l1
from patina.metrics.psnr import psnr
from patina.metrics.ssim import ssim
from patina.models.restoration import save_generator
from patina.training.task import Batch, Task, Validation
from patina.training.updates import NotFinite, Updater

VALIDATION_TILE, VALIDATION_OVERLAP = 256, 32
SHOWN_SIDE = 256


@dataclass(frozen=True)
class RestorationObjective:
    """The generator's losses and their weights; a weight of 0 turns a loss off.

    Attributes:
        pixel: weight of L1.
        perceptual: weight of `perceptual_loss`.
        gan: weight of the relativistic average GAN loss.
        perceptual_loss: called with (result, truth).
    """

    pixel: float = 1.0
    perceptual: float = 0.0
    gan: float = 0.0
    perceptual_loss: nn.Module | None = None


class RestorationTask(Task):
    """Trains a generator, and a discriminator where the objective has an adversarial part.

    Args:
        generator: ``[N, 3, h, w]`` to ``[N, 3, scale·h, scale·w]``, RGB in [0, 1].
        dataset: paired patches.
        finish: makes the inputs of a batch whose dataset leaves some unfinished, for (inputs, device).
        scale: of the generator.
        objective: the losses.
        make_updater: gives the optimiser step for (fabric, name, network).
        discriminator: ``[N, 3, patch, patch]`` to logits; needed where ``objective.gan`` is not 0.
        validation: pairs to measure on; the first `pictures` are shown.
        pictures: how many.
    """

    def __init__(
        self,
        generator: nn.Module,
        dataset: PairedPatches | OnTheFlyPatches,
        scale: int,
        objective: RestorationObjective,
        make_updater: Callable[..., Updater],
        *,
        discriminator: nn.Module | None = None,
        validation: Sequence[Pair] = (),
        pictures: int = 4,
        finish: Callable[[list, torch.device], Tensor] | None = None,
    ):
        self.generator = generator
        self.discriminator = discriminator if objective.gan else None
        self.dataset = dataset
        self.batch_size = dataset.batch
        self.collate = getattr(dataset, "collate", None)
        self._finish = finish
        self.scale = scale
        self.objective = objective
        self.validation = validation
        self.pictures = pictures
        self._make_updater = make_updater

    def setup(self, fabric: Fabric) -> None:
        """Put the networks on their device and make their optimisers."""
        self.fabric = fabric
        self.generator_updater = self._make_updater(fabric, "generator", self.generator)
        self.updaters = [self.generator_updater]
        if self.discriminator is not None:
            self.discriminator_updater = self._make_updater(fabric, "discriminator", self.discriminator)
            self.updaters.append(self.discriminator_updater)
        if self.objective.perceptual_loss is not None:
            self.objective.perceptual_loss.to(fabric.device)

    def training_step(self, batch: Batch, step: int) -> dict[str, float]:
        """Take one step of the generator, then one of the discriminator on the same pictures."""
        result = self.generator_updater.module(self._inputs(batch))
        losses = self._generator_losses(result, batch["gt"])
        for name, loss in losses.items():
            if not torch.isfinite(loss):
                raise NotFinite(f"{name} loss")
        logged = self.generator_updater.update(torch.stack(list(losses.values())).sum(), step)
        logged |= {name: float(loss.detach()) for name, loss in losses.items()}
        if self.discriminator is not None:
            real, fake = self._logits(batch["gt"]), self._logits(result.detach())
            loss = ragan_discriminator(real, fake)
            self.discriminator_updater.update(loss, step)
            logged |= {
                "discriminator": float(loss.detach()),
                "logit_real": float(real.detach().mean()),
                "logit_fake": float(fake.detach().mean()),
            }
        return logged

    def probe(self, batch: Batch) -> None:
        """Compute the generator's result and its losses."""
        self._generator_losses(self.generator_updater.module(self._inputs(batch)), batch["gt"])

    def validate(self) -> Validation:
        """Measure PSNR and SSIM (RGB, border of `scale` pixels) over the validation pairs, and show some."""
        found = Validation()
        if not self.validation:
            return found
        self.generator.eval()
        scores, rows = [], []
        for index, pair in enumerate(self.validation):
            lq, gt = read_picture(pair.lq).pixels, read_picture(pair.gt).pixels
            result = to_pixels(self._upscale(to_tensor(lq)), gt.dtype)
            scores.append((psnr(result, gt, crop=self.scale), ssim(result, gt, crop=self.scale)))
            if index < self.pictures:
                rows.append(_shown(lq, result, gt, self.scale))
        self.generator.train()
        found.scalars["psnr"], found.scalars["ssim"] = (float(mean) for mean in np.mean(scores, axis=0))
        found.pictures["results"] = sheet(rows, ["input, bicubic", "result", "truth"])
        return found

    def save_model(self, path: Path, step: int) -> None:
        """Write the generator so that spandrel opens it."""
        save_generator(self.generator, path.with_name(path.name + ".safetensors"))

    def _inputs(self, batch: Batch) -> Tensor:
        """Return the low-quality patches, finished by models where they wait for them."""
        lq = batch["lq"]
        return self._finish(lq, self.fabric.device) if isinstance(lq, list) else lq

    def _generator_losses(self, result: Tensor, truth: Tensor) -> dict[str, Tensor]:
        objective, losses = self.objective, {}
        if objective.pixel:
            losses["pixel"] = objective.pixel * l1(result, truth)
        if objective.perceptual:
            losses["perceptual"] = objective.perceptual * objective.perceptual_loss(result, truth)
        if objective.gan:
            losses["gan"] = objective.gan * self._adversarial_loss(result, truth)
        return losses

    def _adversarial_loss(self, result: Tensor, truth: Tensor) -> Tensor:
        """Judge the generator without gradients for the discriminator's own weights."""
        self.discriminator.requires_grad_(False)
        loss = ragan_generator(self._logits(truth).detach(), self._logits(result))
        self.discriminator.requires_grad_(True)
        return loss

    def _logits(self, pictures: Tensor) -> Tensor:
        return self.discriminator_updater.module(pictures)

    def _upscale(self, lq: Tensor) -> Tensor:
        def on_tile(tile: Tensor, _place: object) -> Tensor:
            with torch.no_grad():
                return self.generator_updater.module(tile.to(self.fabric.device)).float().cpu()

        return apply_tiled(on_tile, lq, tile=VALIDATION_TILE, overlap=VALIDATION_OVERLAP, scale=self.scale)


def _shown(lq: np.ndarray, result: np.ndarray, truth: np.ndarray, scale: int) -> list[np.ndarray]:
    """Cut the same square out of the bicubic input, the result and the truth, as 8-bit pixels."""
    pictures = [imresize(lq, scale) if scale > 1 else lq, result, truth]
    return [to_pixels(to_tensor(picture[:SHOWN_SIDE, :SHOWN_SIDE]), np.uint8) for picture in pictures]
