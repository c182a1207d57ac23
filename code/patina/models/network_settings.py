"""The settings of restoration networks: a class for every network, which builds it."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn

from patina.settings import Settings


class NetworkSettings(Settings):
    """Size of a network that maps RGB ``[N, 3, H, W]`` in [0, 1] to ``[N, 3, scale H, scale W]``, not clipped."""

    architecture: str
    scale: int

    @abstractmethod
    def build(self) -> nn.Module:
        """Return the network with random weights, on the CPU.

        Raises:
            PatinaError: no such network can be built.
        """

    def input_multiple(self) -> int:
        """Return the multiple that both sides of an input must be; 1 for a network that takes any size."""
        return 1


class OwnNetworkSettings(NetworkSettings):
    """Settings of a network that spandrel lacks; model files are recognised by their weights."""

    network_name: ClassVar[str]
    """Name of the network in messages."""

    file_keys: ClassVar[tuple[str, ...]]
    """Names of weights that no other network has together."""

    @classmethod
    @abstractmethod
    def from_weights(cls, weights: Mapping[str, Tensor]) -> "OwnNetworkSettings":
        """Return the settings of the network that the weights belong to."""
