"""Baselines that a learned model must beat: Gaussian noise, and Poisson-Gaussian noise as a sensor model."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from patina.degradations.base import Degradation, Parameters
from patina.seeding import numpy_rng


class FittedGaussianNoise(Degradation):
    """White noise of a fixed standard deviation.

    Args:
        sigma: std (8-bit) of red, green and blue.
    """

    def __init__(self, sigma: Sequence[float]):
        self.sigma = [float(value) for value in sigma]

    def draw(self, rng: np.random.Generator) -> Parameters:
        """Return the fixed parameters; only the noise itself is random."""
        return {"sigma": self.sigma}

    def apply(self, image: Tensor, parameters: Parameters, key: int) -> Tensor:
        """Add noise to ``[3, H, W]`` in [0, 1]; the result is clamped to [0, 1]."""
        return _noisy(image, _column(parameters["sigma"]) / 255, key)


class FittedPoissonGaussianNoise(Degradation):
    """White noise whose variance is linear in the brightness (Foi et al. 2008, equation 3).

    Args:
        gain: slope for red, green and blue, in grey levels (0 to 255).
        floor: variance in the dark, in squared grey levels.
    """

    def __init__(self, gain: Sequence[float], floor: Sequence[float]):
        self.gain = [float(value) for value in gain]
        self.floor = [float(value) for value in floor]

    def draw(self, rng: np.random.Generator) -> Parameters:
        """Return the fixed parameters; only the noise itself is random."""
        return {"gain": self.gain, "floor": self.floor}

    def apply(self, image: Tensor, parameters: Parameters, key: int) -> Tensor:
        """Add noise to ``[3, H, W]`` in [0, 1]; the result is clamped to [0, 1]."""
        variance = _column(parameters["gain"]) * 255 * image + _column(parameters["floor"])
        return _noisy(image, variance.clamp(min=0).sqrt() / 255, key)


def _noisy(image: Tensor, std: Tensor, key: int) -> Tensor:
    noise = numpy_rng(key, "gaussian").standard_normal(tuple(image.shape), np.float32)
    return (image + std * torch.from_numpy(noise)).clamp(0, 1)


def _column(values: Sequence[float]) -> Tensor:
    return torch.tensor(values).view(3, 1, 1)
