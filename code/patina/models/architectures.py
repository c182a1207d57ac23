"""The networks that spandrel lacks, taught to a list of architectures of our own in spandrel's way."""

import math
from collections.abc import Callable

import torch

from patina import torchvision_shim
from patina.models.lapsrn import lapsrn_of
from patina.models.luminance_network import LuminanceNetwork
from patina.models.msrresnet import MSRResNet
from patina.models.srcnn import srcnn_of

torchvision_shim.ensure()  # spandrel imports torchvision

from spandrel import MAIN_REGISTRY, Architecture, ArchSupport, ImageModelDescriptor, StateDict  # noqa: E402
from spandrel.util import KeyCondition, get_seq_len  # noqa: E402


class MSRResNetArch(Architecture[MSRResNet]):
    """What spandrel needs to recognise and open a file of it."""

    def __init__(self) -> None:
        keys = ("conv_first.weight", "body.0.conv1.weight", "upconv1.weight", "conv_hr.weight", "conv_last.weight")
        super().__init__(id="MSRResNet", detect=KeyCondition.has_all(*keys))

    def load(self, state_dict: StateDict) -> ImageModelDescriptor[MSRResNet]:
        """Read the network's size off its weights and build it."""
        features, blocks = state_dict["conv_first.weight"].shape[0], get_seq_len(state_dict, "body")
        factor = math.isqrt(state_dict["upconv1.weight"].shape[0] // features)
        scale = factor**2 if "upconv2.weight" in state_dict else factor
        with torch.device("meta"):  # fresh weights would draw from the random numbers of a running training
            network = MSRResNet(scale, features, blocks)
        return ImageModelDescriptor(
            network.to_empty(device="cpu"),
            state_dict,
            architecture=self,
            purpose="SR",
            tags=[f"{features}nf", f"{blocks}nb"],
            supports_half=True,
            supports_bfloat16=True,
            scale=scale,
            input_channels=3,
            output_channels=3,
        )


class LuminanceArchitecture(Architecture[LuminanceNetwork]):
    """A network that enlarges luma.

    Args:
        name: as it is called in messages.
        keys: weights that no other architecture has together.
        network_of: makes the network that a state dict is of.
    """

    def __init__(self, name: str, keys: tuple[str, ...], network_of: Callable[[StateDict], LuminanceNetwork]):
        super().__init__(id=name, detect=KeyCondition.has_all("interpolation", *keys))
        self._network_of = network_of

    def load(self, state_dict: StateDict) -> ImageModelDescriptor[LuminanceNetwork]:
        """Make the network and give it its weights."""
        with torch.device("meta"):
            network = self._network_of(state_dict)
        return ImageModelDescriptor(
            network.to_empty(device="cpu"),
            state_dict,
            architecture=self,
            purpose="SR",
            tags=[],
            supports_half=False,
            supports_bfloat16=True,
            scale=network.scale,
            input_channels=3,
            output_channels=3,
        )


READABLE = MAIN_REGISTRY.copy()
"""The architectures that model files are recognised as: spandrel's and our own."""

READABLE.add(ArchSupport.from_architecture(MSRResNetArch()))
READABLE.add(
    ArchSupport.from_architecture(
        LuminanceArchitecture("LapSRN", ("first.weight", "pyramid.0.body.1.weight"), lapsrn_of)
    )
)
READABLE.add(
    ArchSupport.from_architecture(LuminanceArchitecture("SRCNN", ("refine.0.weight", "refine.4.weight"), srcnn_of))
)
