"""The toy noises: four noise distributions at 20 dB, on which papers compare methods for unpaired noise."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from patina.models.ludif import LUDDIFLevels

PSNR = 20.0
"""In dB, of the noisy images before they are clipped and rounded."""

VARIANCE = 255.0**2 / 10 ** (PSNR / 10)
"""In squared grey levels."""

MIXTURE = ((0.9, 10.0), (0.1, float(np.sqrt((VARIANCE - 0.9 * 10.0**2) / 0.1))))
"""Probability and std of the mixture's two Gaussians: mostly weak noise, sometimes strong."""


@dataclass(frozen=True)
class ToyStatistics:
    """What scales the noises that depend on the image.

    Attributes:
        mean: of all values, in grey levels.
        impulse: squared error in squared grey levels if every value became black or white, with equal probability.
    """

    mean: float
    impulse: float

    @classmethod
    def of(cls, images: Iterable[np.ndarray]) -> "ToyStatistics":
        """Measure images ``[H, W, 3]`` in grey levels."""
        found = [(values.mean(), (values**2 + (255 - values) ** 2).mean() / 2) for values in map(np.float64, images)]
        mean, impulse = np.mean(found, axis=0)
        return cls(float(mean), float(impulse))


Add = Callable[[np.ndarray, ToyStatistics, np.random.Generator], np.ndarray]
"""Adds noise to values ``[H, W, 3]`` in grey levels; not clipped."""


@dataclass(frozen=True)
class ToyNoise:
    """A noise.

    Attributes:
        title: in tables.
        add: adds it.
        published: Kullback-Leibler divergence of LUD-VAE and LUD-DIF in the paper on LUD-DIF.
        levels: LUD-DIF's levels for it.
        steps: LUD-DIF's sampling steps.
        replace_impulses: whether LUD-DIF replaces black and white values to make weak pairs.
    """

    title: str
    add: Add
    published: tuple[float, float]
    levels: LUDDIFLevels = field(default_factory=LUDDIFLevels)
    steps: int = 20
    replace_impulses: bool = False


def _gaussian(values: np.ndarray, _: ToyStatistics, rng: np.random.Generator) -> np.ndarray:
    return values + np.sqrt(VARIANCE) * rng.standard_normal(values.shape)


def _mixture(values: np.ndarray, _: ToyStatistics, rng: np.random.Generator) -> np.ndarray:
    weak, (probability, strong) = MIXTURE[0][1], MIXTURE[1]
    return values + np.where(rng.random(values.shape) < probability, strong, weak) * rng.standard_normal(values.shape)


def _poisson(values: np.ndarray, statistics: ToyStatistics, rng: np.random.Generator) -> np.ndarray:
    levels = VARIANCE / statistics.mean  # grey levels of one photon
    return levels * rng.poisson(values / levels)


def _salt_and_pepper(values: np.ndarray, statistics: ToyStatistics, rng: np.random.Generator) -> np.ndarray:
    probability = VARIANCE / statistics.impulse
    return np.where(rng.random(values.shape) < probability, 255.0 * rng.integers(0, 2, values.shape), values)


TOY_NOISES = {
    "gaussian": ToyNoise("Gaussian", _gaussian, (0.0017, 0.0023)),
    "mixture": ToyNoise("mixture of Gaussians", _mixture, (0.2103, 0.1644), LUDDIFLevels(start=80.0)),
    "poisson": ToyNoise("Poisson", _poisson, (0.0147, 0.0043)),
    "salt-pepper": ToyNoise(
        "salt and pepper",
        _salt_and_pepper,
        (1.6275, 0.7129),
        LUDDIFLevels(real=1.0, clean=1.0, start=150.0),
        steps=40,
        replace_impulses=True,
    ),
}
"""The noises of `patina toy`, by name."""
