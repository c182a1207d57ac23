"""Training a super-resolution network on pairs: a weighted sum of losses, one of which may be adversarial."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import MappingProxyType
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
from patina.imaging.value_spaces import to_eight_bit, to_pixels, to_tensor
from patina.losses.sharpened_target import SharpenedTarget
from patina.metrics.full_reference import scores_without_network
from patina.models.generator_files import save_generator
from patina.training.batch_parts import Batch
from patina.training.buffers import remembered_buffers
from patina.training.ema import Ema
from patina.training.restoration_objective import Adversary, RestorationObjective
from patina.training.task import Task, Validation
from patina.training.updates import Updater
from patina.training.validation_sets import Corners, ValidationSets, validation_of
from patina.training.whole_logits import WholeLogits

VALIDATION_TILE, VALIDATION_OVERLAP = 256, 32
SHOWN_SIDE = 256


Targets = dict[bool, Tensor]
"""The GT by whether it is sharpened; only the variants that the losses use."""


class RestorationTask(Task):
    """Trains a generator, and a discriminator if the objective has an adversarial loss.

    Args:
        generator: maps ``[N, 3, h, w]`` to ``[N, 3, scale·h, scale·w]``, RGB in [0, 1].
        dataset: paired patches.
        finish: called with (LQ patches, device); applies the steps of a recipe that run on the device.
        scale: upscaling factor of the generator.
        objective: the losses.
        make_updater: makes the `Updater` for (fabric, name, network).
        multiple: number that both sides of the generator's inputs must be multiples of.
        validation: sets of validation pairs by name.
    """

    def __init__(
        self,
        generator: nn.Module,
        dataset: PairedPatches | OnTheFlyPatches,
        scale: int,
        objective: RestorationObjective,
        make_updater: Callable[..., Updater],
        *,
        multiple: int = 1,
        validation: ValidationSets = MappingProxyType({}),
        finish: Callable[[list[Any], torch.device], Tensor] | None = None,
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
        self._make_updater = make_updater
        self._multiple = multiple
        self._sharpen = SharpenedTarget()

    def setup(self, fabric: Fabric) -> None:
        """Move the networks to the device and make their optimisers."""
        self.fabric = fabric
        self.generator_updater = self._make_updater(fabric, "generator", self.generator)
        self.updaters = [self.generator_updater]
        if self.adversary:
            self.discriminator_updater = self._make_updater(fabric, "discriminator", self.adversary.discriminator)
            self.updaters.append(self.discriminator_updater)
        self.ema = Ema(self.generator, self.objective.ema) if self.objective.ema else None
        self._logits_of_batch = WholeLogits(self.parts)
        for module in (self._sharpen, *(term.loss for term in self.objective.terms)):
            if isinstance(module, nn.Module):
                module.to(fabric.device)

    def training_step(self, batch: Batch, step: int) -> dict[str, float]:
        """Take one step of generator and discriminator on the same batch, or of neither if one is not possible."""
        restore = remembered_buffers(self.networks.values())
        try:
            logged = self._backward(batch, step)
            for updater in self.updaters:
                updater.apply(step)
        except Exception:  # not only `NotFinite`: whatever ends the training, the state before this step is saved
            if not self.has_begun(step):
                restore()
            raise
        if self.ema:
            self.ema.update(self.generator)
        return logged

    def probe(self, batch: Batch) -> None:
        """Compute the losses of the generator."""
        batch = self._mixed(batch)
        self._generator_losses(batch["lq"], self.generator_updater.module(batch["lq"]), self._targets(batch["gt"]))

    def validate(self) -> Validation:
        """Measure RGB, cropped by `scale` pixels, with all metrics that need no network; show some pairs."""
        self.evaluated.eval()
        found = validation_of(self.fabric, self.validation, self._measured)
        self.evaluated.train()
        return found

    def _measured(self, pair: Pair, is_shown: bool) -> tuple[dict[str, float], Corners]:
        """Return the scores of a validation pair, and what is shown of it."""
        lq, gt = read_picture(pair.lq).pixels, read_picture(pair.gt).pixels
        result = to_pixels(self._upscale(to_tensor(lq)), gt.dtype)
        shown = _corners(lq, result, gt, self.scale) if is_shown else []
        return scores_without_network(result, gt, crop=self.scale), shown

    def save_model(self, path: Path, step: int) -> None:
        """Write the generator, or its EMA network, in a format that spandrel reads."""
        save_generator(self.evaluated, path.with_name(path.name + ".safetensors"))

    @property
    def evaluated(self) -> nn.Module:
        """The network that is validated and saved: the EMA network if any, else the generator."""
        return self.ema.network if self.ema else self.generator

    def state(self) -> dict[str, Any]:
        """Return the state that a resumed run needs."""
        return super().state() | ({"ema": self.ema.state()} if self.ema else {})

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        super().load_state(state)
        if self.ema:
            self.ema.load_state(state["ema"])

    def _backward(self, batch: Batch, step: int) -> dict[str, float]:
        """Compute the gradients of both networks before either takes its step."""
        mixed_batch = self._mixed(batch)
        for updater in self.updaters:
            updater.begin()
        if self.adversary and self.adversary.game.relativistic:
            without_gradients = partial(self.over_parts, mixed_batch, partial(self._part, add=False))
            self._logits_of_batch.rehearse(without_gradients, self.networks.values())
        logged = self.over_parts(mixed_batch, self._part)
        for updater in self.updaters:
            logged |= updater.finish(step)
        return logged

    def _part(self, part: Batch, add: bool = True) -> dict[str, float]:
        """Compute the losses of both networks for one part of the batch, and add their gradients."""
        lq, targets = part["lq"], self._targets(part["gt"])
        result = self.generator_updater.module(lq)
        losses = self._generator_losses(lq, result, targets)
        if add:
            self.generator_updater.add(losses, self.parts)
        logged = {name: float(loss.detach()) for name, loss in losses.items()}
        if self.adversary:
            loss, seen = self._discriminator_loss(self.adversary, result.detach(), targets[self.adversary.sharpened])
            if add:
                self.discriminator_updater.add(loss, self.parts)
            logged |= {"discriminator": float(loss.detach())} | seen
        return logged

    def _mixed(self, batch: Batch) -> Batch:
        """Return the finished LQ patches and the GT, after the augmentations that mix a batch."""
        lq = batch["lq"]
        lq = self._finish(lq, self.fabric.device) if self._finish and isinstance(lq, list) else lq
        if not self.objective.mixings:
            return {"lq": lq, "gt": batch["gt"]}
        whole = self.parts.whole({"lq": lq, "gt": batch["gt"]})
        lq, gt = mixed(whole["lq"], whole["gt"], self.objective.mixings)
        return self.parts.own({"lq": lq, "gt": gt})

    def _targets(self, gt: Tensor) -> Targets:
        kinds = {term.sharpened for term in self.objective.terms}
        if self.adversary:
            kinds.add(self.adversary.sharpened)
        return {sharpened: self._sharpen(gt) if sharpened else gt for sharpened in kinds}

    def _generator_losses(self, lq: Tensor, result: Tensor, targets: Targets) -> dict[str, Tensor]:
        uses_ema = any(term.uses_ema for term in self.objective.terms)
        ema = [self._ema_result(self.ema, lq)] if self.ema and uses_ema else []
        losses = {}
        for term in self.objective.terms:
            arguments = (result, targets[term.sharpened], *(ema if term.uses_ema else []))
            losses[term.name] = term.weight * term.loss(*arguments)
        if self.adversary:
            losses[self.adversary.name] = self.adversary.weight * self._adversarial_loss(
                self.adversary, result, targets
            )
        return losses

    @torch.no_grad()
    def _ema_result(self, ema: Ema, lq: Tensor) -> Tensor:
        with self.fabric.autocast():
            return ema.network(lq).float()

    def _adversarial_loss(self, adversary: Adversary, result: Tensor, targets: Targets) -> Tensor:
        """Return the generator's loss; the weights of the discriminator get no gradients."""
        adversary.discriminator.requires_grad_(False)
        if adversary.game.relativistic:
            real = self._logits_of_batch(self._logits(targets[adversary.sharpened]).detach())
            fake = self._logits_of_batch(self._logits(result))
            loss = self._logits_of_batch.part_of(adversary.game.generator(real, fake))
        else:  # the real logits are not read
            loss = adversary.game.generator(result.new_empty(0), self._logits(result))
        adversary.discriminator.requires_grad_(True)
        return loss

    def _discriminator_loss(self, adversary: Adversary, result: Tensor, gt: Tensor) -> tuple[Tensor, dict[str, float]]:
        """Return the discriminator's loss and the mean logits."""
        real, fake = self._logits(gt), self._logits(result)
        if adversary.game.relativistic:
            whole = self._logits_of_batch(real), self._logits_of_batch(fake)
            loss = self._logits_of_batch.part_of(adversary.game.discriminator(*whole))
        else:
            loss = adversary.game.discriminator(real, fake)
        return loss, {"logit_real": float(real.detach().mean()), "logit_fake": float(fake.detach().mean())}

    def _logits(self, pictures: Tensor) -> Tensor:
        return self.discriminator_updater.module(pictures)

    def _upscale(self, lq: Tensor) -> Tensor:
        def on_tile(tile: Tensor, _place: object) -> Tensor:
            with torch.no_grad(), self.fabric.autocast():
                return self.evaluated(tile.to(self.fabric.device)).float().cpu()

        return apply_tiled(
            on_tile,
            lq,
            tile=VALIDATION_TILE,
            overlap=VALIDATION_OVERLAP,
            multiple=self._multiple,
            scale=self.scale,
        )


def _corners(lq: np.ndarray, result: np.ndarray, gt: np.ndarray, scale: int) -> list[np.ndarray]:
    """Return the same 8-bit crop of the bicubic input, the result and the GT."""
    pictures = [imresize(lq, scale) if scale > 1 else lq, result, gt]
    return [to_eight_bit(picture[:SHOWN_SIDE, :SHOWN_SIDE]) for picture in pictures]
