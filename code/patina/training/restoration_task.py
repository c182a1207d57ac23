"""Training a super-resolution network on pairs: a list of weighted losses, one of which may be adversarial."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from patina.data.batch_mixing import mixed
from patina.data.pairs import Pair, PairedPatches
from patina.data.pairs_on_the_fly import OnTheFlyPatches
from patina.imaging.blended_tiles import apply_tiled
from patina.imaging.matlab_resize import imresize
from patina.imaging.picture_files import read_picture
from patina.imaging.sheets import sheet
from patina.imaging.value_spaces import to_eight_bit, to_pixels, to_tensor
from patina.losses.gan import GanLoss
from patina.losses.sharpened_target import SharpenedTarget
from patina.metrics.psnr import psnr
from patina.metrics.ssim import ssim
from patina.models.generators import save_generator
from patina.training.buffers import remembered_buffers
from patina.training.ema import Ema
from patina.training.task import Batch, Task, Validation
from patina.training.updates import NotFinite, Updater, require_finite

VALIDATION_TILE, VALIDATION_OVERLAP = 256, 32
SHOWN_SIDE = 256


Targets = dict[bool, Tensor]
"""The truth as it is (False) and sharpened (True), as far as the losses ask for them."""


@dataclass(frozen=True)
class Term:
    """One loss of the generator.

    Attributes:
        name: for logs and messages.
        weight: factor of the loss.
        loss: called with (result, truth), both ``[N, 3, H, W]`` in [0, 1]; moved to the device if it is a module.
        sharpened: whether the truth is sharpened first.
        averaged: whether the result of the averaged weights is a third argument.
    """

    name: str
    weight: float
    loss: Callable[..., Tensor]
    sharpened: bool = False
    averaged: bool = False


@dataclass(frozen=True)
class Adversary:
    """The adversarial loss and its discriminator.

    Attributes:
        name, weight, sharpened: as of a `Term`; both sides of the game see the same truth.
        game: what the two sides minimise.
        discriminator: ``[N, 3, patch, patch]`` to logits.
    """

    name: str
    weight: float
    game: GanLoss
    discriminator: nn.Module
    sharpened: bool = False


@dataclass(frozen=True)
class RestorationObjective:
    """All that the generator minimises.

    Attributes:
        terms: losses that look at pictures alone.
        adversary: the adversarial one, if there is one.
        ema: decay of the averaged weights, which are then validated and saved; None for none.
        mixings: probabilities of the augmentations that mix a batch, see `patina.data.batch_mixing`.
    """

    terms: Sequence[Term]
    adversary: Adversary | None = None
    ema: float | None = None
    mixings: Mapping[str, float] = field(default_factory=dict)


class RestorationTask(Task):
    """Trains a generator, and a discriminator where the objective has an adversarial part.

    Args:
        generator: ``[N, 3, h, w]`` to ``[N, 3, scale·h, scale·w]``, RGB in [0, 1].
        dataset: paired patches.
        finish: makes the inputs of a batch whose dataset leaves some unfinished, for (inputs, device).
        scale: of the generator.
        objective: the losses.
        make_updater: gives the optimiser step for (fabric, name, network).
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
        validation: Sequence[Pair] = (),
        pictures: int = 4,
        finish: Callable[[list, torch.device], Tensor] | None = None,
    ):
        self.generator = generator
        self.adversary = objective.adversary
        self.dataset = dataset
        self.batch_size = dataset.batch
        self.collate = getattr(dataset, "collate", None)
        self._finish = finish
        self.scale = scale
        self.objective = objective
        self.validation = validation
        self.pictures = pictures
        self._make_updater = make_updater
        self._sharpen = SharpenedTarget()

    def setup(self, fabric: Fabric) -> None:
        """Put the networks on their device and make their optimisers."""
        self.fabric = fabric
        self.generator_updater = self._make_updater(fabric, "generator", self.generator)
        self.updaters = [self.generator_updater]
        if self.adversary:
            self.discriminator_updater = self._make_updater(fabric, "discriminator", self.adversary.discriminator)
            self.updaters.append(self.discriminator_updater)
        self.ema = Ema(self.generator, self.objective.ema) if self.objective.ema else None
        for each in (self._sharpen, *(term.loss for term in self.objective.terms)):
            if isinstance(each, nn.Module):
                each.to(fabric.device)

    def training_step(self, batch: Batch, step: int) -> dict[str, float]:
        """Take one step of the generator and one of the discriminator, on the same pictures; both or none."""
        restore = remembered_buffers(self.networks.values())
        try:
            logged = self._backward(batch, step)
        except NotFinite:
            restore()
            raise
        for updater in self.updaters:
            updater.apply(step)
        if self.ema:
            self.ema.update(self.generator)
        return logged

    def probe(self, batch: Batch) -> None:
        """Compute the generator's result and its losses."""
        lq, targets = self._inputs(batch)
        self._generator_losses(lq, self.generator_updater.module(lq), targets)

    def validate(self) -> Validation:
        """Measure PSNR and SSIM (RGB, border of `scale` pixels) over the validation pairs, and show some."""
        found = Validation()
        if not self.validation:
            return found
        self.judged.eval()
        scores, rows = [], []
        for index, pair in enumerate(self.validation):
            lq, gt = read_picture(pair.lq).pixels, read_picture(pair.gt).pixels
            result = to_pixels(self._upscale(to_tensor(lq)), gt.dtype)
            scores.append((psnr(result, gt, crop=self.scale), ssim(result, gt, crop=self.scale)))
            if index < self.pictures:
                rows.append(_shown(lq, result, gt, self.scale))
        self.judged.train()
        found.scalars["psnr"], found.scalars["ssim"] = (float(mean) for mean in np.mean(scores, axis=0))
        shown = zip(self.validation, scores[: len(rows)], strict=False)
        titles = [f"{pair.stem}: {score:.2f} dB, {similarity:.3f}" for pair, (score, similarity) in shown]
        found.pictures["results"] = sheet(rows, ["input, bicubic", "result", "truth"], titles)
        return found

    def save_model(self, path: Path, step: int) -> None:
        """Write the generator so that spandrel opens it, with averaged weights where there are some."""
        save_generator(self.judged, path.with_name(path.name + ".safetensors"))

    @property
    def judged(self) -> nn.Module:
        """The generator that is validated and saved."""
        return self.ema.network if self.ema else self.generator

    def state(self) -> dict[str, Any]:
        """Return all resumable state."""
        return super().state() | ({"ema": self.ema.state()} if self.ema else {})

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what `state` returned."""
        super().load_state(state)
        if self.ema:
            self.ema.load_state(state["ema"])

    def _backward(self, batch: Batch, step: int) -> dict[str, float]:
        """Compute the gradients of both networks; the weights are those from before the step for both."""
        lq, targets = self._inputs(batch)
        result = self.generator_updater.module(lq)
        losses = self._generator_losses(lq, result, targets)
        require_finite(losses)
        logged = self.generator_updater.backward(torch.stack(list(losses.values())).sum(), step)
        logged |= {name: float(loss.detach()) for name, loss in losses.items()}
        if self.adversary:
            logged |= self._judge_backward(result.detach(), targets[self.adversary.sharpened], step)
        return logged

    def _inputs(self, batch: Batch) -> tuple[Tensor, Targets]:
        """Return the low-quality and the true patches: finished by models where they wait for them, then mixed."""
        lq = batch["lq"]
        lq = self._finish(lq, self.fabric.device) if isinstance(lq, list) else lq
        lq, truth = mixed(lq, batch["gt"], self.objective.mixings)
        parts = [*self.objective.terms, *([self.adversary] if self.adversary else [])]
        return lq, {kind: self._sharpen(truth) if kind else truth for kind in {part.sharpened for part in parts}}

    def _generator_losses(self, lq: Tensor, result: Tensor, targets: Targets) -> dict[str, Tensor]:
        averaged = self._averaged_result(lq) if any(term.averaged for term in self.objective.terms) else None
        losses = {}
        for term in self.objective.terms:
            arguments = (result, targets[term.sharpened], *([averaged] if term.averaged else []))
            losses[term.name] = term.weight * term.loss(*arguments)
        if self.adversary:
            losses[self.adversary.name] = self.adversary.weight * self._adversarial_loss(result, targets)
        return losses

    @torch.no_grad()
    def _averaged_result(self, lq: Tensor) -> Tensor:
        with self.fabric.autocast():
            return self.ema.network(lq).float()

    def _adversarial_loss(self, result: Tensor, targets: Targets) -> Tensor:
        """Judge the generator without gradients for the discriminator's own weights."""
        discriminator, game = self.adversary.discriminator, self.adversary.game
        discriminator.requires_grad_(False)
        real = self._logits(targets[self.adversary.sharpened]).detach() if game.relativistic else None
        fake = self._logits(result)
        discriminator.requires_grad_(True)
        return game.generator(real, fake)

    def _judge_backward(self, result: Tensor, truth: Tensor, step: int) -> dict[str, float]:
        real, fake = self._logits(truth), self._logits(result)
        loss = self.adversary.game.discriminator(real, fake)
        self.discriminator_updater.backward(loss, step)
        return {
            "discriminator": float(loss.detach()),
            "logit_real": float(real.detach().mean()),
            "logit_fake": float(fake.detach().mean()),
        }

    def _logits(self, pictures: Tensor) -> Tensor:
        return self.discriminator_updater.module(pictures)

    def _upscale(self, lq: Tensor) -> Tensor:
        def on_tile(tile: Tensor, _place: object) -> Tensor:
            with torch.no_grad(), self.fabric.autocast():
                return self.judged(tile.to(self.fabric.device)).float().cpu()

        return apply_tiled(on_tile, lq, tile=VALIDATION_TILE, overlap=VALIDATION_OVERLAP, scale=self.scale)


def _shown(lq: np.ndarray, result: np.ndarray, truth: np.ndarray, scale: int) -> list[np.ndarray]:
    """Cut the same square out of the bicubic input, the result and the truth, as 8-bit pixels."""
    pictures = [imresize(lq, scale) if scale > 1 else lq, result, truth]
    return [to_eight_bit(picture[:SHOWN_SIDE, :SHOWN_SIDE]) for picture in pictures]
