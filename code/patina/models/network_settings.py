"""Base classes of the networks' settings; one settings class per network builds it."""

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
            PatinaError: the network cannot be built with these settings.
        """

    def input_sizes(self) -> tuple[int, int]:
        """Return the number that both sides of an input must be multiples of, and the smallest side; 1 for any."""
        return 1, 1


class OwnNetworkSettings(NetworkSettings):
    """Settings of a network that spandrel lacks; its model files are recognised by the names of their weights."""

    network_name: ClassVar[str]
    """Name of the network in messages."""

    file_keys: ClassVar[tuple[str, ...]]
    """Names of weights that together identify the network."""

    @classmethod
    @abstractmethod
    def from_weights(cls, weights: Mapping[str, Tensor]) -> "OwnNetworkSettings":
        """Return the settings of the network that the weights belong to."""
