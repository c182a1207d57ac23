"""ESRGAN's generator (Wang et al. 2018, arXiv 1809.00219) in the layout of Real-ESRGAN."""

from typing import Annotated, Literal

from pydantic import Field
from torch import nn

from patina import torchvision_shim
from patina.layers.submodules import bias_of
from patina.models.growth import PUBLISHED_GROWTH, dense_blocks, set_growth
from patina.models.network_settings import NetworkSettings
from patina.settings import PositiveInt

UNSHUFFLE = {1: 4, 2: 2, 4: None}
"""How published networks reach scales below 4: they pixel-unshuffle the input by this factor, then upscale by 4."""

INITIAL_GAIN = 0.1


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

    growth: Annotated[int, Field(ge=1, le=PUBLISHED_GROWTH)] = PUBLISHED_GROWTH
    """Growth of the dense blocks, in channels; files are padded to 32, which other tools expect."""

    def build(self) -> nn.Module:
        """Return the network with random weights; inputs need sides of at least 4 pixels at scale 1, 2 at scale 2."""
        torchvision_shim.ensure()
        from spandrel.architectures.ESRGAN import ESRGAN

        factor = UNSHUFFLE[self.scale]
        network = ESRGAN(
            in_nc=3 * (factor or 1) ** 2,
            num_filters=self.features,
            num_blocks=self.blocks,
            scale=self.scale * (factor or 1),
            shuffle_factor=factor,
        )
        if self.growth != PUBLISHED_GROWTH:
            set_growth(network, self.growth)
        _shrink_initial_weights(network)
        return network


def _shrink_initial_weights(network: nn.Module) -> None:
    """Start dense blocks near the identity: He's initialisation times 0.1 (ESRGAN, section 3.1)."""
    for block in dense_blocks(network):
        for layer in block.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight)
                layer.weight.data *= INITIAL_GAIN
                nn.init.zeros_(bias_of(layer))
