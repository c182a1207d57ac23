"""The one interface of everything that degrades a picture."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from torch import Tensor

Parameters = dict[str, Any]
"""What was drawn for one picture: plain JSON values, so that it can be logged and done again."""


class Degradation(ABC):
    """Takes clean pictures and returns degraded ones; drawing the parameters and applying them are apart."""

    @abstractmethod
    def draw(self, rng: np.random.Generator) -> Parameters:
        """Draw the parameters for one picture."""

    @abstractmethod
    def apply(self, image: Tensor, parameters: Parameters, key: int) -> Tensor:
        """Degrade one picture.

        Args:
            image: ``[3, H, W]`` RGB in [0, 1].
            parameters: from `draw`.
            key: seed of the noise inside; the same key gives the same picture.

        Returns:
            The degraded picture, ``[3, H, W]`` in [0, 1].
        """
