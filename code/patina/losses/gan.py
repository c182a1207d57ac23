"""Adversarial losses on the discriminator's logits, for generator and discriminator.

Every function takes the logits of real and of generated ("fake") pictures, of one shape, and returns a scalar to
minimise. The generator's losses have no gradient with respect to the real logits.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

LogitLoss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class GanLoss:
    """An adversarial loss for generator and discriminator, both called with (real logits, fake logits).

    Attributes:
        generator: the generator's loss; the gradient flows through the fake logits only.
        discriminator: the discriminator's loss.
        relativistic: whether the generator's loss uses the real logits.
    """

    generator: LogitLoss
    discriminator: LogitLoss
    relativistic: bool = False


def ragan_generator(real: Tensor, fake: Tensor) -> Tensor:
    """Relativistic average GAN, generator (Jolicoeur-Martineau, "The relativistic discriminator", 2018).

    ESRGAN's equation 2: half of ``BCE(real - mean(fake), 0) + BCE(fake - mean(real), 1)``; the mean of the fake logits
    is differentiated, the real logits are constant.
    """
    real = real.detach()
    return (_should_be_fake(real - fake.mean()) + _should_be_real(fake - real.mean())) / 2


def ragan_discriminator(real: Tensor, fake: Tensor, *, joint: bool = False) -> Tensor:
    """Relativistic average GAN, discriminator (ESRGAN's equation 1).

    Half of ``BCE(real - mean(fake), 1) + BCE(fake - mean(real), 0)``.

    Args:
        real, fake: logits of one shape.
        joint: also differentiate the means. The value is the same, the gradient is not: common training code treats
            the mean of the other logits as constant.

    Returns:
        A scalar.
    """
    real_mean, fake_mean = real.mean(), fake.mean()
    if not joint:
        real_mean, fake_mean = real_mean.detach(), fake_mean.detach()
    return (_should_be_real(real - fake_mean) + _should_be_fake(fake - real_mean)) / 2


def _should_be_real(logits: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(logits, torch.ones_like(logits))


def _should_be_fake(logits: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(logits, torch.zeros_like(logits))


def _independent(
    generator: Callable[[Tensor], Tensor], real: Callable[[Tensor], Tensor], fake: Callable[[Tensor], Tensor]
) -> GanLoss:
    """Build a loss that scores every logit independently; the discriminator's two terms are summed."""
    return GanLoss(
        lambda _real_logits, fake_logits: generator(fake_logits),
        lambda real_logits, fake_logits: real(real_logits) + fake(fake_logits),
    )


GAN_LOSSES: dict[str, GanLoss] = {
    "ragan": GanLoss(ragan_generator, ragan_discriminator, relativistic=True),
    "ragan_joint": GanLoss(ragan_generator, partial(ragan_discriminator, joint=True), relativistic=True),
    "vanilla": _independent(_should_be_real, _should_be_real, _should_be_fake),
    "lsgan": _independent(lambda x: ((x - 1) ** 2).mean(), lambda x: ((x - 1) ** 2).mean(), lambda x: (x**2).mean()),
    "wgan": _independent(lambda x: -x.mean(), lambda x: -x.mean(), lambda x: x.mean()),
    "wgan_softplus": _independent(
        lambda x: functional.softplus(-x).mean(),
        lambda x: functional.softplus(-x).mean(),
        lambda x: functional.softplus(x).mean(),
    ),
    "hinge": _independent(
        lambda x: -x.mean(), lambda x: functional.relu(1 - x).mean(), lambda x: functional.relu(1 + x).mean()
    ),
}
"""Adversarial losses by name; `ragan` is ESRGAN's."""
