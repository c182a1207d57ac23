"""Losses that compare images: their settings, and the functions made from them."""

import re
from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field
from torch import Tensor

from patina.losses.artifacts import ldl
from patina.losses.consistency import colour_consistency, luma_consistency
from patina.losses.frequency import focal_frequency
from patina.losses.perceptual import PerceptualLoss
from patina.losses.pixel import charbonnier, huber, l1
from patina.settings import PositiveFloat, PositiveInt, Schema, Settings, either

if TYPE_CHECKING:
    from patina.training.restoration_objective import Term

Loss = Callable[..., Tensor]
"""Called with (result, GT), both ``[N, 3, H, W]`` in [0, 1]."""


class LossSettings(Settings):
    """Common settings of all losses."""

    type: str
    """Selects the loss."""

    weight: PositiveFloat = 1.0
    """Factor of this loss in the sum."""

    name: Annotated[str, Field(pattern=r"^[\w.-]+$")] | None = None
    """Name in logs and messages; needed if two losses have the same type. null: the type."""

    sharpened: bool = False
    """Compare with the GT after unsharp masking, as Real-ESRGAN does."""

    @classmethod
    def as_written(cls, schema: Schema) -> Schema:
        """Allow the type alone."""
        return either(schema, {"const": schema["properties"]["type"]["const"]})

    @property
    def label(self) -> str:
        """Name of the loss in logs and messages."""
        return self.name or self.type

    @property
    def smallest_patch(self) -> int:
        """Smallest side of a patch, in pixels, that the loss accepts."""
        return 1

    @property
    def patch_reason(self) -> str:
        """The loss and the setting that determine the smallest patch, for messages."""
        return self.type


class ImageLossSettings(LossSettings):
    """A loss that compares the result with the GT."""

    uses_ema: ClassVar[bool] = False
    """Whether the loss takes the result of the EMA network as third argument."""

    @abstractmethod
    def build(self) -> Loss:
        """Return the loss."""

    def term(self) -> "Term":
        """Return the weighted loss for the task."""
        from patina.training.restoration_objective import Term

        return Term(self.label, self.weight, self.build(), self.sharpened, self.uses_ema)


class WindowedSettings(ImageLossSettings):
    """A loss over square windows, which must fit into a crop."""

    window: PositiveInt = 4
    """Side of the windows, in pixels."""

    @property
    def smallest_patch(self) -> int:
        """The side of one window."""
        return self.window

    @property
    def patch_reason(self) -> str:
        """The loss and its setting."""
        return f"{self.type} with a window of {self.window}"


class L1Settings(ImageLossSettings):
    """Mean absolute error."""

    type: Literal["l1"]
    """Selects this loss."""

    def build(self) -> Loss:
        """Return the loss."""
        return l1


class HuberSettings(ImageLossSettings):
    """Huber loss, divided by `delta` so that large errors count as in L1."""

    type: Literal["huber"]
    """Selects this loss."""

    delta: PositiveFloat = 0.01
    """Error at which the loss changes from quadratic to linear; images are in [0, 1]."""

    def build(self) -> Loss:
        """Return the loss."""
        return partial(huber, delta=self.delta)


class CharbonnierSettings(ImageLossSettings):
    """Charbonnier loss, the square root of error² + eps²: a smooth L1."""

    type: Literal["charbonnier"]
    """Selects this loss."""

    eps: PositiveFloat = 1e-3
    """Error below which the loss is smooth; images are in [0, 1]."""

    def build(self) -> Loss:
        """Return the loss."""
        return partial(charbonnier, eps=self.eps)


class MsSsimSettings(ImageLossSettings):
    """1 minus multi-scale SSIM."""

    type: Literal["ms_ssim"]
    """Selects this loss."""

    scales: Annotated[int, Field(ge=1, le=5)] = 5
    """Number of scales; crops must be at least 176 pixels for 5 scales, 99 for 4, 44 for 3 and 11 for 1 or 2."""

    @property
    def smallest_patch(self) -> int:
        """The smallest side that torchmetrics accepts for this number of scales."""
        return 11 * max(1, self.scales - 1) ** 2

    @property
    def patch_reason(self) -> str:
        """The loss and its setting."""
        return f"{self.type} with {self.scales} scales"

    def build(self) -> Loss:
        """Return the loss."""
        from patina.losses.structure import ms_ssim_loss  # torchmetrics takes seconds to import

        return partial(ms_ssim_loss, scales=self.scales)


def _poolings(layer: str) -> int:
    """Return the number of poolings up to a layer of VGG19; building the loss rejects unknown names."""
    block = re.search(r"\d", layer)
    return 0 if block is None else int(block[0]) - (0 if layer.startswith("pool") else 1)


class PerceptualSettings(ImageLossSettings):
    """L1 distance of VGG19 features; needs torchvision's VGG19 weights."""

    type: Literal["perceptual"]
    """Selects this loss."""

    layers: dict[str, PositiveFloat] = Field({"conv5_4": 1.0})
    """Weight of each layer, by name: `conv5_4` is a convolution before its activation, `relu5_4` after it, `pool5` the
    pooling that ends a block."""

    @property
    def smallest_patch(self) -> int:
        """The side that leaves one pixel at the deepest layer: every pooling before it halves the side."""
        return max(2 ** _poolings(layer) for layer in self.layers) if self.layers else 1

    @property
    def patch_reason(self) -> str:
        """The loss and its deepest layer."""
        return f"{self.type} with the layer {max(self.layers, key=_poolings)}"

    def build(self) -> Loss:
        """Return the loss, which reads VGG19's weights."""
        return PerceptualLoss(self.layers)


class ColourSettings(WindowedSettings):
    """L1 distance of chroma averaged over windows."""

    type: Literal["colour"]
    """Selects this loss."""

    def build(self) -> Loss:
        """Return the loss."""
        return partial(colour_consistency, window=self.window)


class LumaSettings(WindowedSettings):
    """L1 distance of luma averaged over windows."""

    type: Literal["luma"]
    """Selects this loss."""

    def build(self) -> Loss:
        """Return the loss."""
        return partial(luma_consistency, window=self.window)


def _odd(window: int) -> int:
    if window % 2 == 0:
        raise ValueError(f"window is {window}, expected an odd number")
    return window


class LdlSettings(WindowedSettings):
    """Locally discriminative learning (LDL), which penalises GAN artifacts; needs the stage's `ema`."""

    uses_ema: ClassVar[bool] = True

    type: Literal["ldl"]
    """Selects this loss."""

    window: Annotated[int, Field(ge=3, le=31), AfterValidator(_odd)] = 7
    """Side of the window in which the residual's variance is taken, in pixels; an odd number."""

    @property
    def smallest_patch(self) -> int:
        """Borders are mirrored by half the window, which needs one pixel more than that."""
        return self.window // 2 + 1

    def build(self) -> Loss:
        """Return the loss."""
        return partial(ldl, window=self.window)


class DistsSettings(ImageLossSettings):
    """Deep image structure and texture similarity (DISTS); needs torchvision's VGG16 weights."""

    type: Literal["dists"]
    """Selects this loss."""

    def build(self) -> Loss:
        """Return the loss, which reads VGG16's weights."""
        from patina.losses.structure import DistsLoss  # torchmetrics takes seconds to import

        return DistsLoss()


class EfficientNetSettings(ImageLossSettings):
    """Distance in the features of EfficientNet-Lite0, computed as LPIPS without learned weights; needs the extra
    `metrics`."""

    type: Literal["efficientnet"]
    """Selects this loss."""

    layers: dict[Literal["stage1", "stage2", "stage3", "stage5", "stage7"], PositiveFloat] = Field(
        {"stage1": 1.0, "stage2": 1.0, "stage3": 1.0, "stage5": 1.0, "stage7": 1.0}, min_length=1
    )
    """Weight of each stage. Their feature maps have 1/2, 1/4, 1/8, 1/16 and 1/32 of the image's size."""

    @property
    def smallest_patch(self) -> int:
        """The side that leaves one pixel at the deepest stage."""
        return 32

    def build(self) -> Loss:
        """Return the loss, which reads the network's weights."""
        from patina.metrics.efficientnet import EfficientNetDistance

        return EfficientNetDistance({str(name): weight for name, weight in self.layers.items()})


class FocalFrequencySettings(ImageLossSettings):
    """Focal frequency loss: squared distance of spectra that emphasises hard frequencies."""

    type: Literal["focal_frequency"]
    """Selects this loss."""

    alpha: Annotated[float, Field(ge=0)] = 1.0
    """How strongly hard frequencies are emphasised; 0 weights all frequencies equally."""

    def build(self) -> Loss:
        """Return the loss."""
        return partial(focal_frequency, alpha=self.alpha)
