"""The noise level function: the variance of noise by brightness, which grows with brightness for a sensor."""

from dataclasses import dataclass

import numpy as np

EDGES = np.linspace(0, 256, 17)
"""Edges of the brightness bins, in 8-bit units."""

FEWEST = 200
"""Fewest pixels of a bin for which a variance is computed."""


@dataclass(frozen=True)
class NoiseLevel:
    """The variance of noise by brightness.

    Attributes:
        brightness: mean brightness of every bin, ``[K, C]``, 0 to 255; NaN in empty bins.
        variance: in squared 8-bit units, ``[K, C]``; NaN in bins with fewer than `FEWEST` pixels.
        counts: pixels of every bin, ``[K, C]``.
    """

    brightness: np.ndarray
    variance: np.ndarray
    counts: np.ndarray


def noise_level(brightness: np.ndarray, noise: np.ndarray) -> NoiseLevel:
    """Measure the variance of noise by the brightness under it.

    Args:
        brightness: ``[..., C]``, 0 to 255, without the noise.
        noise: ``[..., C]``, in 8-bit units.
    """
    return level_of(level_sums(brightness, noise))


def level_sums(brightness: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Return the sums of every bin: pixels, brightness, noise and squared noise, ``[4, K, C]``; arrays as above."""
    channels = range(noise.shape[-1])
    return np.stack([_one_channel(brightness[..., c].ravel(), noise[..., c].ravel()) for c in channels], axis=-1)


def level_of(sums: np.ndarray) -> NoiseLevel:
    """Return the noise level function of the sums of one or more sets of pixels, ``[4, K, C]``."""
    counts, brightness, noise, squares = sums
    divisor = np.where(counts > 0, counts, np.nan)
    variance = np.where(counts >= FEWEST, squares / divisor - (noise / divisor) ** 2, np.nan)
    return NoiseLevel(brightness / divisor, variance, counts)


def fit_line(level: NoiseLevel) -> tuple[np.ndarray, np.ndarray]:
    """Fit variance = gain · brightness + floor to every channel, with the bins weighted by their pixels.

    This is the Poisson-Gaussian model of a sensor (Foi et al. 2008, equation 3). A camera's tone curve can make the
    gain negative: bright places then have less noise.

    Returns:
        Gain in 8-bit units and floor in squared 8-bit units, both ``[C]``.
    """
    channels = range(level.variance.shape[1])
    fits = [_line(level.brightness[:, c], level.variance[:, c], level.counts[:, c]) for c in channels]
    gains, floors = zip(*fits, strict=True)
    return np.array(gains), np.array(floors)


def _one_channel(brightness: np.ndarray, noise: np.ndarray) -> np.ndarray:
    bins, size = np.digitize(brightness, EDGES[1:-1]), len(EDGES) - 1
    return np.stack([np.bincount(bins, values, minlength=size) for values in (None, brightness, noise, noise**2)])


def _line(brightness: np.ndarray, variance: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
    known = np.isfinite(variance)
    if known.sum() < 2:
        return 0.0, float(variance[known].mean()) if known.any() else 0.0
    gain, floor = np.polyfit(brightness[known], variance[known], 1, w=np.sqrt(counts[known]))
    return float(gain), float(floor)
