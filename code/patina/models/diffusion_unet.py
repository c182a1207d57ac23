"""The U-Net of diffusion models: diffusers' `UNet2DModel` with the settings that Patina's models share."""

from typing import Annotated, Any

from pydantic import Field, model_validator
from torch import nn

from patina import torchvision_shim
from patina.settings import Settings

_GROUPS = 32


Multipliers = tuple[Annotated[int, Field(ge=1, le=64)], ...]
"""Factors of a network's channels, level by level."""


class UNetArchitecture(Settings):
    """The U-Net; every level but the last halves the resolution."""

    channels: int = Field(64, ge=8, le=1024, multiple_of=8)
    """Channels of the finest level, before `multipliers`."""

    multipliers: Multipliers = Field((1, 2, 4, 8, 8), min_length=2, max_length=8)
    """Channels of each level as a multiple of `channels`, finest level first."""

    attention: tuple[int, ...] = (3,)
    """Levels with self-attention, 0 the finest."""

    blocks: int = Field(2, ge=1, le=64)
    """Residual blocks in each level."""

    dropout: float = Field(0.2, ge=0, lt=1)
    """Dropout probability."""

    @model_validator(mode="after")
    def _levels_exist(self) -> "UNetArchitecture":
        beyond = [level for level in self.attention if not 0 <= level < len(self.multipliers)]
        if beyond:
            raise ValueError(f"attention is at level {beyond[0]}, expected levels 0 to {len(self.multipliers) - 1}")
        return self

    @property
    def multiple(self) -> int:
        """The number that the sides of the U-Net's images must be multiples of."""
        return 2 ** (len(self.multipliers) - 1)


def diffusion_unet(architecture: UNetArchitecture, inputs: int, *, is_global: bool, outputs: int = 3) -> nn.Module:
    """Return an untrained U-Net that maps ``[N, inputs, H, W]`` and times ``[N]`` to ``[N, outputs, H, W]``.

    It returns diffusers' output object, whose `sample` is the tensor.

    Args:
        architecture: its size.
        inputs, outputs: numbers of channels.
        is_global: whether the middle has self-attention, too; with few levels, it would take most of the time.
    """
    torchvision_shim.ensure()
    from diffusers import UNet2DModel

    levels = range(len(architecture.multipliers))
    attends = [level in architecture.attention for level in levels]
    unet: Any = UNet2DModel(
        in_channels=inputs,
        out_channels=outputs,
        block_out_channels=tuple(architecture.channels * multiplier for multiplier in architecture.multipliers),
        down_block_types=tuple("AttnDownBlock2D" if attention else "DownBlock2D" for attention in attends),
        up_block_types=tuple("AttnUpBlock2D" if attention else "UpBlock2D" for attention in reversed(attends)),
        layers_per_block=architecture.blocks,
        dropout=architecture.dropout,
        add_attention=is_global,
        norm_num_groups=min(_GROUPS, architecture.channels // 4),
        attention_head_dim=architecture.channels,
    )
    return unet
