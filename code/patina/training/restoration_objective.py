"""The losses of a super-resolution network, one of which may be adversarial."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor, nn

from patina.losses.gan import GanLoss


@dataclass(frozen=True)
class Term:
    """One loss of the generator.

    Attributes:
        name: name in logs and messages.
        weight: factor of the loss.
        loss: called with (result, GT), both ``[N, 3, H, W]`` in [0, 1]; a module is moved to the device.
        sharpened: whether the GT is sharpened first.
        uses_ema: whether the loss takes the result of the EMA network as third argument.
    """

    name: str
    weight: float
    loss: Callable[..., Tensor]
    sharpened: bool = False
    uses_ema: bool = False


@dataclass(frozen=True)
class Adversary:
    """The adversarial loss and its discriminator.

    Attributes:
        name, weight, sharpened: as in `Term`; generator and discriminator see the same GT.
        game: losses of both networks.
        discriminator: maps ``[N, 3, patch, patch]`` to logits.
    """

    name: str
    weight: float
    game: GanLoss
    discriminator: nn.Module
    sharpened: bool = False


@dataclass(frozen=True)
class RestorationObjective:
    """The losses of the generator.

    Attributes:
        terms: losses without a discriminator.
        adversary: the adversarial loss, if any.
        ema: EMA decay; the EMA network is validated and saved. None for no EMA.
        mixings: probabilities of the augmentations that mix a batch, see `patina.data.batch_mixing`.
    """

    terms: Sequence[Term]
    adversary: Adversary | None = None
    ema: float | None = None
    mixings: Mapping[str, float] = field(default_factory=dict)
