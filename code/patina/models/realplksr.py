"""RealPLKSR: large-kernel convolutions over a part of the channels (Lee et al. 2024, arXiv 2404.11848)."""

from typing import Annotated, Literal

from pydantic import Field, model_validator
from torch import nn

from patina import torchvision_shim
from patina.models.network_settings import NetworkSettings
from patina.settings import PositiveInt


class RealPLKSRSettings(NetworkSettings):
    """RealPLKSR: large-kernel convolutions over a part of the channels."""

    architecture: Literal["realplksr"] = "realplksr"
    """Selects this network."""

    scale: Literal[1, 2, 3, 4] = 4
    """Upscaling factor."""

    features: Annotated[int, Field(gt=0, multiple_of=4)] = 64
    """Channels of the trunk."""

    blocks: PositiveInt = 28
    """Number of blocks."""

    kernel: Annotated[int, Field(ge=3)] = 17
    """Side of the large kernel, in pixels; an odd number."""

    split: Annotated[float, Field(gt=0, le=1)] = 0.25
    """Fraction of the channels that the large kernel processes; `features` times `split` must be an integer."""

    dysample: bool = False
    """Upsample with DySample, which learns its sampling positions, instead of pixel shuffle."""

    layer_norm: bool = False
    """Normalise the channels in every block."""

    @model_validator(mode="after")
    def _sizes_fit(self) -> "RealPLKSRSettings":
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel is {self.kernel}, expected an odd number")
        if self.features * self.split != int(self.features * self.split):
            raise ValueError(f"split is {self.split}, expected a fraction that gives a whole number of features")
        return self

    def build(self) -> nn.Module:
        """Return the network with random weights."""
        torchvision_shim.ensure()
        from spandrel.architectures.PLKSR import RealPLKSR

        return RealPLKSR(
            dim=self.features,
            n_blocks=self.blocks,
            upscaling_factor=self.scale,
            kernel_size=self.kernel,
            split_ratio=self.split,
            dysample=self.dysample,
            layer_norm=self.layer_norm,
        )
