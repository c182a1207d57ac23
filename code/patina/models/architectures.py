"""The architectures that model files are recognised as: spandrel's, and Patina's own as spandrel architectures."""

from typing import get_args

import torch
from torch import nn

from patina import torchvision_shim
from patina.models.model_files import misfits
from patina.models.network_settings import OwnNetworkSettings
from patina.models.networks import LuminanceSettings, RestorationSettings

torchvision_shim.ensure()  # spandrel imports torchvision

from spandrel import MAIN_REGISTRY, Architecture, ArchSupport, ImageModelDescriptor, StateDict  # noqa: E402
from spandrel.util import KeyCondition  # noqa: E402


class OwnArchitecture(Architecture[nn.Module]):
    """A network that spandrel lacks.

    Args:
        settings: settings class of the network.
    """

    def __init__(self, settings: type[OwnNetworkSettings]):
        super().__init__(id=settings.network_name, detect=KeyCondition.has_all(*settings.file_keys))
        self._settings = settings

    def load(self, state_dict: StateDict) -> ImageModelDescriptor[nn.Module]:
        """Build the network that the weights belong to and load them."""
        settings = self._settings.from_weights(state_dict)
        size = settings.model_dump(exclude={"architecture", "scale"})
        with torch.device("meta"):  # random weights would draw from the random numbers of a running training
            network = settings.build()
        if problems := misfits(network, state_dict):
            raise ValueError(f"the weights do not fit the network that they describe: {problems[0]}")
        return ImageModelDescriptor(
            network.to_empty(device="cpu"),
            state_dict,
            architecture=self,
            purpose="SR",
            tags=[f"{name} {value}" for name, value in size.items()],
            supports_half=False,
            supports_bfloat16=True,
            scale=settings.scale,
            input_channels=3,
            output_channels=3,
        )


READABLE = MAIN_REGISTRY.copy()
"""The architectures that model files are recognised as."""

for _settings in (*get_args(RestorationSettings), *get_args(LuminanceSettings)):
    if issubclass(_settings, OwnNetworkSettings):
        READABLE.add(ArchSupport.from_architecture(OwnArchitecture(_settings)))
