"""Configuration to what a generator minimises."""

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor

from patina.losses.artifacts import ldl
from patina.losses.consistency import colour_consistency, luma_consistency
from patina.losses.frequency import focal_frequency
from patina.losses.gan import GAN_LOSSES
from patina.losses.perceptual import PerceptualLoss
from patina.losses.pixel import charbonnier, huber, l1
from patina.models.discriminators import UNetDiscriminator, VGGDiscriminator
from patina.specs import loss_settings as settings
from patina.training.restoration_task import Adversary, Term


def _ms_ssim(loss: settings.MsSsimSettings) -> Callable[..., Tensor]:
    from patina.losses.structure import ms_ssim_loss  # torchmetrics takes seconds to import

    return partial(ms_ssim_loss, scales=loss.scales)


def _dists(loss: settings.DistsSettings) -> Callable[..., Tensor]:
    from patina.losses.structure import DistsLoss  # torchmetrics takes seconds to import

    return DistsLoss()


LOSSES: dict[str, Callable[[Any], Callable[..., Tensor]]] = {
    "l1": lambda _loss: l1,
    "huber": lambda loss: partial(huber, delta=loss.delta),
    "charbonnier": lambda loss: partial(charbonnier, eps=loss.eps),
    "ms_ssim": _ms_ssim,
    "perceptual": lambda loss: PerceptualLoss(loss.layers),
    "colour": lambda loss: partial(colour_consistency, window=loss.window),
    "luma": lambda loss: partial(luma_consistency, window=loss.window),
    "ldl": lambda loss: partial(ldl, window=loss.window),
    "dists": _dists,
    "focal_frequency": lambda loss: partial(focal_frequency, alpha=loss.alpha),
}
"""What makes each loss, by its type in the configuration."""


def loss_terms(losses: tuple[settings.AnyLoss, ...]) -> list[Term]:
    """Make all losses but the adversarial one."""
    return [
        Term(loss.label, loss.weight, LOSSES[loss.type](loss), loss.sharpened, averaged=loss.type == "ldl")
        for loss in losses
        if loss.type != "gan"
    ]


def adversary(loss: settings.GanSettings | None, patch: int) -> Adversary | None:
    """Make the adversarial loss, for patches of `patch` pixels a side, with a fresh discriminator."""
    if loss is None:
        return None
    judge = loss.discriminator
    network = (
        VGGDiscriminator(patch, judge.features) if judge.architecture == "vgg" else UNetDiscriminator(judge.features)
    )
    return Adversary(loss.label, loss.weight, GAN_LOSSES[loss.game], network, loss.sharpened)
