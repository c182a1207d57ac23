"""The list of losses of restoration training: image losses by type, and the adversarial loss."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field
from torch import nn

from patina.hints import nearest
from patina.losses.gan import GAN_LOSSES
from patina.models.discriminators import UNetDiscriminator, VGGDiscriminator
from patina.settings import PositiveFloat, PositiveInt, Settings
from patina.specs.image_losses import (
    CharbonnierSettings,
    ColourSettings,
    DistsSettings,
    EfficientNetSettings,
    FocalFrequencySettings,
    HuberSettings,
    L1Settings,
    LdlSettings,
    LossSettings,
    LumaSettings,
    MsSsimSettings,
    PerceptualSettings,
)

if TYPE_CHECKING:
    from patina.training.restoration_objective import Adversary


class DiscriminatorSettings(Settings):
    """The discriminator of a GAN loss."""

    architecture: Literal["vgg", "unet"] = "vgg"
    """`vgg` gives one logit per crop of a fixed size, `unet` gives one logit per pixel."""

    features: PositiveInt = 64
    """Channels of the first layer."""

    learning_rate: PositiveFloat = 1e-4
    """Learning rate of the discriminator; its other optimiser settings are the stage's."""

    def build(self, patch: int) -> nn.Module:
        """Return a fresh discriminator for patches of `patch` pixels a side."""
        if self.architecture == "vgg":
            return VGGDiscriminator(patch, self.features)
        return UNetDiscriminator(self.features)


class GanSettings(LossSettings):
    """Adversarial loss with a discriminator trained alongside."""

    type: Literal["gan"]
    """Selects this loss."""

    weight: PositiveFloat = 5e-3
    """Factor of this loss in the sum."""

    game: Literal["vanilla", "lsgan", "hinge", "ragan", "ragan_joint", "wgan", "wgan_softplus"] = "ragan"
    """`ragan` is the relativistic average GAN of ESRGAN; `ragan_joint` also differentiates its means."""

    discriminator: DiscriminatorSettings = DiscriminatorSettings()
    """The discriminator."""

    def build(self, patch: int) -> "Adversary":
        """Return the adversarial loss for patches of `patch` pixels a side."""
        from patina.training.restoration_objective import Adversary

        network = self.discriminator.build(patch)
        return Adversary(self.label, self.weight, GAN_LOSSES[self.game], network, self.sharpened)


AnyLoss = Annotated[
    L1Settings
    | HuberSettings
    | CharbonnierSettings
    | MsSsimSettings
    | PerceptualSettings
    | ColourSettings
    | LumaSettings
    | LdlSettings
    | DistsSettings
    | EfficientNetSettings
    | FocalFrequencySettings
    | GanSettings,
    Discriminator("type"),
]
"""The table of losses; a new loss is a settings class with `build` and a line here."""


def _required_list(value: Any) -> Any:
    """Expand plain names to losses of that type; raise a readable error for anything but a list of losses."""
    if not isinstance(value, list | tuple):
        raise ValueError("expected a list of losses, with items like `- {type: l1, weight: 1.0}`")
    losses = [{"type": loss} if isinstance(loss, str) else loss for loss in value]
    for number, loss in enumerate(losses):
        if isinstance(loss, dict) and (given := loss.get("type")) not in LOSS_TYPES:
            raise ValueError(f"loss {number} has type {given}, {nearest(str(given), LOSS_TYPES)}")
    return losses


def _fitting(losses: Sequence[LossSettings]) -> Sequence[LossSettings]:
    labels = [loss.label for loss in losses]
    if len(set(labels)) < len(labels):
        raise ValueError(f"losses are named {', '.join(labels)}, expected a unique `name` for losses of the same type")
    if sum(isinstance(loss, GanSettings) for loss in losses) > 1:
        raise ValueError("more than one gan loss, expected at most one")
    return losses


Losses = Annotated[tuple[AnyLoss, ...], BeforeValidator(_required_list), AfterValidator(_fitting), Field(min_length=1)]
"""One or more losses with unique names."""

LOSS_TYPES = {get_args(loss.model_fields["type"].annotation)[0]: loss for loss in get_args(get_args(AnyLoss)[0])}
"""Settings classes of the losses, by type."""
