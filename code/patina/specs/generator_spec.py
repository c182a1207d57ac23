"""Restoration networks: their settings by `architecture`, and how they are built."""

import sys
from abc import abstractmethod
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator
from torch import nn

from patina.settings import PositiveInt, Strict

FEWEST_DNCNN_LAYERS = 8
"""What spandrel recognises a DnCNN by lies in the first eight."""


class NetworkSettings(Strict):
    """Size of a restoration network, which takes and returns RGB in [0, 1]."""

    @abstractmethod
    def build(self) -> nn.Module:
        """Return the network with random weights."""


class RRDBNetSettings(NetworkSettings):
    """ESRGAN's generator (RRDBNet)."""

    architecture: Literal["rrdbnet"] = "rrdbnet"
    """Selects this network."""

    scale: Literal[1, 2, 4] = 4
    """Upscaling factor."""

    features: PositiveInt = 64
    """Channels of the trunk."""

    blocks: PositiveInt = 23
    """Number of RRDB blocks."""

    growth: Annotated[int, Field(ge=1, le=32)] = 32
    """Growth of the dense blocks, in channels; files are padded to 32, which other tools expect."""

    def build(self) -> nn.Module:
        """Return the network with random weights."""
        from patina.models.generators import rrdbnet  # spandrel takes a second to import

        return rrdbnet(self.scale, self.features, self.blocks, self.growth)


class CompactSettings(NetworkSettings):
    """Real-ESRGAN's small network (SRVGGNetCompact), fast on a CPU."""

    architecture: Literal["compact"]
    """Selects this network."""

    scale: Literal[1, 2, 3, 4] = 4
    """Upscaling factor."""

    features: PositiveInt = 64
    """Channels of every layer."""

    blocks: PositiveInt = 16
    """Number of convolutions in the body."""

    def build(self) -> nn.Module:
        """Return the network with random weights."""
        from patina.models.generators import compact  # spandrel takes a second to import

        return compact(self.scale, self.features, self.blocks)


class DnCNNSettings(NetworkSettings):
    """DnCNN, a denoiser that keeps the size, without batch normalisation."""

    architecture: Literal["dncnn"]
    """Selects this network."""

    scale: Literal[1] = 1
    """Always 1."""

    features: PositiveInt = 64
    """Channels of every layer."""

    layers: Annotated[int, Field(ge=FEWEST_DNCNN_LAYERS)] = 17
    """Number of convolutions."""

    def build(self) -> nn.Module:
        """Return the network with random weights."""
        from patina.models.generators import dncnn  # spandrel takes a second to import

        return dncnn(self.features, self.layers)


class MSRResNetSettings(NetworkSettings):
    """MSRResNet (SRResNet without batch normalisation); its files open in Patina only."""

    architecture: Literal["msrresnet"]
    """Selects this network."""

    scale: Literal[2, 3, 4] = 4
    """Upscaling factor."""

    features: PositiveInt = 64
    """Channels of the trunk."""

    blocks: PositiveInt = 16
    """Number of residual blocks."""

    def build(self) -> nn.Module:
        """Return the network with random weights."""
        from patina.models.generators import msrresnet  # spandrel takes a second to import

        return msrresnet(self.scale, self.features, self.blocks)


class RealPLKSRSettings(NetworkSettings):
    """RealPLKSR: large-kernel convolutions over a part of the channels."""

    architecture: Literal["realplksr"]
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
    """Fraction of the channels that the large kernel sees; `features` times `split` is an integer."""

    dysample: bool = False
    """Upsample with DySample, which learns its sampling positions, instead of pixel shuffle."""

    layer_norm: bool = False
    """Normalise the channels in every block."""

    @model_validator(mode="after")
    def _kernel_has_a_middle(self) -> "RealPLKSRSettings":
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel is {self.kernel}, expected an odd number")
        if self.features * self.split != int(self.features * self.split):
            raise ValueError(f"split is {self.split}, expected a whole number of the {self.features} features")
        return self

    def build(self) -> nn.Module:
        """Return the network with random weights."""
        from patina.models.generators import realplksr  # spandrel takes a second to import

        return realplksr(
            self.scale,
            self.features,
            self.blocks,
            kernel=self.kernel,
            split=self.split,
            dysample=self.dysample,
            layer_norm=self.layer_norm,
        )


ARCHITECTURES = ("rrdbnet", "compact", "dncnn", "msrresnet", "realplksr")


def _architecture(values: Any) -> str:
    """Return which network the settings are of; `rrdbnet` where they do not say."""
    if isinstance(values, dict):
        return values.get("architecture", "rrdbnet")
    return values.architecture


GeneratorSettings = Annotated[
    Annotated[RRDBNetSettings, Tag("rrdbnet")]
    | Annotated[CompactSettings, Tag("compact")]
    | Annotated[DnCNNSettings, Tag("dncnn")]
    | Annotated[MSRResNetSettings, Tag("msrresnet")]
    | Annotated[RealPLKSRSettings, Tag("realplksr")],
    Discriminator(
        _architecture,
        custom_error_type="architecture",
        custom_error_message=f"unknown architecture, expected one of {', '.join(ARCHITECTURES)}",
    ),
]


def load_start(network: nn.Module, start: Path, strict: bool = True) -> None:
    """Load the weights of the file `start`; where not `strict`, weights that do not fit are listed on stderr."""
    from patina.models.generators import load_generator_weights

    left_out = load_generator_weights(network, start, strict)
    for line in [f"{start}: {len(left_out)} weights do not fit and are left out:", *left_out] if left_out else []:
        print(line, file=sys.stderr)
