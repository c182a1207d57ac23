"""The losses of restoration training: a list, each with its type, its weight and its own settings."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field

from patina.settings import Strict, nearest
from patina.specs.experiment import PositiveFloat, PositiveInt


class LossSettings(Strict):
    """Common settings of all losses."""

    weight: PositiveFloat = 1.0
    """Factor of this loss in the sum."""

    name: Annotated[str, Field(pattern=r"^[\w.-]+$")] | None = None
    """Name in logs and messages; needed where two losses have one type. null: the type."""

    sharpened: bool = False
    """Compare with the GT after unsharp masking, as Real-ESRGAN does."""

    @property
    def label(self) -> str:
        """What the loss is called in logs and messages."""
        return self.name or self.type

    @property
    def smallest_patch(self) -> int:
        """The smallest patch, in pixels a side, that the loss can be computed of."""
        return 1

    @property
    def needing_it(self) -> str:
        """What asks for the smallest patch, in words."""
        return self.type


class WindowedSettings(LossSettings):
    """A loss over square windows, which a crop must be large enough to hold."""

    window: PositiveInt = 4
    """Side of the windows, in pixels."""

    @property
    def smallest_patch(self) -> int:
        """One square."""
        return self.window

    @property
    def needing_it(self) -> str:
        """The loss with the setting that decides it."""
        return f"{self.type} with a window of {self.window}"


class L1Settings(LossSettings):
    """Mean absolute error."""

    type: Literal["l1"]
    """Selects this loss."""


class HuberSettings(LossSettings):
    """Huber loss, divided by `delta` so that large errors count as in L1."""

    type: Literal["huber"]
    """Selects this loss."""

    delta: PositiveFloat = 0.01
    """Error at which the loss changes from quadratic to linear; images are in [0, 1]."""


class CharbonnierSettings(LossSettings):
    """Charbonnier loss, the square root of error² + eps²: a smooth L1."""

    type: Literal["charbonnier"]
    """Selects this loss."""

    eps: PositiveFloat = 1e-3
    """Error below which the loss is smooth; images are in [0, 1]."""


class MsSsimSettings(LossSettings):
    """1 minus multi-scale SSIM."""

    type: Literal["ms_ssim"]
    """Selects this loss."""

    scales: Annotated[int, Field(ge=1, le=5)] = 5
    """Number of scales; crops must be at least 176 pixels for 5 scales, 99 for 4, 44 for 3 and 11 for 1 or 2."""

    @property
    def smallest_patch(self) -> int:
        """What the library computes so many scales of."""
        return 11 * max(1, self.scales - 1) ** 2

    @property
    def needing_it(self) -> str:
        """The loss with the setting that decides it."""
        return f"{self.type} with {self.scales} scales"


def _poolings(layer: str) -> int:
    """Return how many poolings lead to a layer of VGG19; names that it does not have are refused where it is made."""
    block = re.search(r"\d", layer)
    return 0 if block is None else int(block[0]) - (0 if layer.startswith("pool") else 1)


class PerceptualSettings(LossSettings):
    """L1 distance of VGG19 features; needs torchvision's VGG19 weights."""

    type: Literal["perceptual"]
    """Selects this loss."""

    layers: dict[str, PositiveFloat] = Field({"conv5_4": 1.0})
    """Weight of each layer, by name: `conv5_4` is a convolution before its activation, `relu5_4` after it, `pool5` the
    pooling that ends a block."""

    @property
    def smallest_patch(self) -> int:
        """What leaves the deepest layer a pixel: every pooling in front of it halves a side."""
        return max(2 ** _poolings(layer) for layer in self.layers) if self.layers else 1

    @property
    def needing_it(self) -> str:
        """The loss with the layer that decides it."""
        return f"{self.type} with the layer {max(self.layers, key=_poolings)}"


class ColourSettings(WindowedSettings):
    """L1 distance of chroma averaged over windows."""

    type: Literal["colour"]
    """Selects this loss."""


class LumaSettings(WindowedSettings):
    """L1 distance of luma averaged over windows."""

    type: Literal["luma"]
    """Selects this loss."""


def _odd(window: int) -> int:
    if window % 2 == 0:
        raise ValueError(f"window is {window}, expected an odd number")
    return window


class LdlSettings(WindowedSettings):
    """Locally discriminative learning (LDL), which penalises GAN artifacts; needs the stage's `ema`."""

    type: Literal["ldl"]
    """Selects this loss."""

    window: Annotated[int, Field(ge=3, le=31), AfterValidator(_odd)] = 7
    """Side of the window in which the residual's variance is taken, in pixels; an odd number."""

    @property
    def smallest_patch(self) -> int:
        """Borders are mirrored by half the window, which takes one pixel more."""
        return self.window // 2 + 1


class DistsSettings(LossSettings):
    """Deep image structure and texture similarity (DISTS); needs torchvision's VGG16 weights."""

    type: Literal["dists"]
    """Selects this loss."""


class FocalFrequencySettings(LossSettings):
    """Focal frequency loss: squared distance of spectra that favours hard frequencies."""

    type: Literal["focal_frequency"]
    """Selects this loss."""

    alpha: Annotated[float, Field(ge=0)] = 1.0
    """How strongly hard frequencies are favoured; 0 weights all frequencies equally."""


class DiscriminatorSettings(Strict):
    """The discriminator of a GAN loss."""

    architecture: Literal["vgg", "unet"] = "vgg"
    """`vgg` gives one logit per crop of a fixed size, `unet` gives one logit per pixel."""

    features: PositiveInt = 64
    """Channels of the first layer."""

    learning_rate: PositiveFloat = 1e-4
    """Learning rate of the discriminator; all else about its optimiser is the stage's."""


class GanSettings(LossSettings):
    """Adversarial loss with a discriminator that is trained alongside."""

    type: Literal["gan"]
    """Selects this loss."""

    weight: PositiveFloat = 5e-3
    """Factor of this loss in the sum."""

    game: Literal["vanilla", "lsgan", "hinge", "ragan", "ragan_joint", "wgan", "wgan_softplus"] = "ragan"
    """`ragan` is the relativistic average GAN of ESRGAN; `ragan_joint` also differentiates its means."""

    discriminator: DiscriminatorSettings = DiscriminatorSettings()
    """The discriminator."""


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
    | FocalFrequencySettings
    | GanSettings,
    Discriminator("type"),
]


def _required_list(value: Any) -> Any:
    """Say what the list looks like to who writes something else; a plain name stands for a loss of that type."""
    if not isinstance(value, list | tuple):
        raise ValueError("losses are a list, expected lines like `- {type: l1, weight: 1.0}`")
    losses = [{"type": loss} if isinstance(loss, str) else loss for loss in value]
    for number, loss in enumerate(losses):
        if isinstance(loss, dict) and (given := loss.get("type")) not in LOSS_TYPES:
            raise ValueError(f"loss {number} has the type {given}, {nearest(str(given), LOSS_TYPES)}")
    return losses


def _fitting(losses: Sequence[LossSettings]) -> Sequence[LossSettings]:
    labels = [loss.label for loss in losses]
    if len(set(labels)) < len(labels):
        raise ValueError(f"losses are called {', '.join(labels)}, expected a different `name` for each of one type")
    if sum(isinstance(loss, GanSettings) for loss in losses) > 1:
        raise ValueError("losses hold more than one gan, expected at most one")
    return losses


Losses = Annotated[tuple[AnyLoss, ...], BeforeValidator(_required_list), AfterValidator(_fitting), Field(min_length=1)]
"""At least one loss, each of another name."""

LOSS_TYPES = tuple(get_args(block.model_fields["type"].annotation)[0] for block in get_args(get_args(AnyLoss)[0]))
"""The names of all losses."""
