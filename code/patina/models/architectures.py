"""The networks that spandrel lacks, taught to a list of architectures of our own in spandrel's way."""

import math

import torch

from patina import torchvision_shim
from patina.models.msrresnet import MSRResNet

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


READABLE = MAIN_REGISTRY.copy()
"""The architectures that model files are recognised as: spandrel's and our own."""

READABLE.add(ArchSupport.from_architecture(MSRResNetArch()))
