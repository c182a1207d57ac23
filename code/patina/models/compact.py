"""Real-ESRGAN's small network: plain convolutions over the nearest-neighbour image."""

from typing import Literal

from torch import nn

from patina import torchvision_shim
from patina.models.network_settings import NetworkSettings
from patina.settings import PositiveInt


class CompactSettings(NetworkSettings):
    """Real-ESRGAN's small network (SRVGGNetCompact), fast on a CPU."""

    architecture: Literal["compact"] = "compact"
    """Selects this network."""

    scale: Literal[1, 2, 3, 4] = 4
    """Upscaling factor."""

    features: PositiveInt = 64
    """Channels of every layer."""

    blocks: PositiveInt = 16
    """Number of convolutions in the body."""

    def build(self) -> nn.Module:
        """Return the network with random weights."""
        torchvision_shim.ensure()
        from spandrel.architectures.Compact import Compact

        return Compact(num_feat=self.features, num_conv=self.blocks, upscale=self.scale)
