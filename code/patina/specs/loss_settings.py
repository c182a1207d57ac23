"""The losses of restoration training: a list, each with its type, its weight and its own settings."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field

from patina.settings import Strict, nearest
from patina.specs.experiment import PositiveFloat, PositiveInt


class LossSettings(Strict):
    """What every loss has: `weight`, a `name` for logs and messages (its type where none is given), and its target.

    With `sharpened`, results are compared with the ground truth after unsharp masking, as Real-ESRGAN does.
    """

    weight: PositiveFloat = 1.0
    name: Annotated[str, Field(pattern=r"^[\w.-]+$")] | None = None
    sharpened: bool = False

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
    """A loss that looks at squares of `window` pixels, of which a patch holds one at least."""

    window: PositiveInt = 4

    @property
    def smallest_patch(self) -> int:
        """One square."""
        return self.window

    @property
    def needing_it(self) -> str:
        """The loss with the setting that decides it."""
        return f"{self.type} with a window of {self.window}"


class L1Settings(LossSettings):
    """Mean absolute difference."""

    type: Literal["l1"]


class HuberSettings(LossSettings):
    """Square below `delta` (pictures are in [0, 1]), absolute above."""

    type: Literal["huber"]
    delta: PositiveFloat = 0.01


class CharbonnierSettings(LossSettings):
    """Absolute difference, smooth below `eps`."""

    type: Literal["charbonnier"]
    eps: PositiveFloat = 1e-3


class MsSsimSettings(LossSettings):
    """1 minus multi-scale SSIM over 1 to 5 `scales`; five need patches of 176."""

    type: Literal["ms_ssim"]
    scales: Annotated[int, Field(ge=1, le=5)] = 5

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
    """Distance of VGG19 features: the weight of each layer."""

    type: Literal["perceptual"]
    layers: dict[str, PositiveFloat] = Field({"conv5_4": 1.0})

    @property
    def smallest_patch(self) -> int:
        """What leaves the deepest layer a pixel: every pooling in front of it halves a side."""
        return max(2 ** _poolings(layer) for layer in self.layers) if self.layers else 1

    @property
    def needing_it(self) -> str:
        """The loss with the layer that decides it."""
        return f"{self.type} with the layer {max(self.layers, key=_poolings)}"


class ColourSettings(WindowedSettings):
    """Difference of the chroma averaged over squares of `window` pixels."""

    type: Literal["colour"]


class LumaSettings(WindowedSettings):
    """Difference of the luma averaged over squares of `window` pixels."""

    type: Literal["luma"]


def _odd(window: int) -> int:
    if window % 2 == 0:
        raise ValueError(f"window is {window}, expected an odd number")
    return window


class LdlSettings(WindowedSettings):
    """Locally discriminative learning against artifacts; it compares with averaged weights, so `ema` is needed."""

    type: Literal["ldl"]
    window: Annotated[int, Field(ge=3, le=31), AfterValidator(_odd)] = 7

    @property
    def smallest_patch(self) -> int:
        """Borders are mirrored by half the window, which takes one pixel more."""
        return self.window // 2 + 1


class DistsSettings(LossSettings):
    """Deep image structure and texture similarity; needs VGG16's weights."""

    type: Literal["dists"]


class FocalFrequencySettings(LossSettings):
    """Distance of spectra, weighted by itself to the power of `alpha`."""

    type: Literal["focal_frequency"]
    alpha: Annotated[float, Field(ge=0)] = 1.0


class DiscriminatorSettings(Strict):
    """The judge of a GAN loss: `vgg` sees patches of one size as a whole, `unet` judges every pixel."""

    architecture: Literal["vgg", "unet"] = "vgg"
    features: PositiveInt = 64
    learning_rate: PositiveFloat = 1e-4


class GanSettings(LossSettings):
    """An adversarial loss: `ragan` is the relativistic average GAN; the discriminator shares the stage's optimiser."""

    type: Literal["gan"]
    weight: PositiveFloat = 5e-3
    game: Literal["vanilla", "lsgan", "hinge", "ragan", "ragan_joint", "wgan", "wgan_softplus"] = "ragan"
    discriminator: DiscriminatorSettings = DiscriminatorSettings()


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
