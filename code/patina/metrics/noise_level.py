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
    channels = noise.shape[-1]
    columns = [_one_channel(brightness[..., c].ravel(), noise[..., c].ravel()) for c in range(channels)]
    return NoiseLevel(*(np.stack(parts, axis=-1) for parts in zip(*columns, strict=True)))


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


def _one_channel(brightness: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    bins = np.digitize(brightness, EDGES[1:-1])
    size = len(EDGES) - 1
    counts = np.bincount(bins, minlength=size)
    divisor = np.where(counts > 0, counts, np.nan)
    mean = np.bincount(bins, noise, minlength=size) / divisor
    square = np.bincount(bins, noise**2, minlength=size) / divisor
    variance = np.where(counts >= FEWEST, square - mean**2, np.nan)
    return np.bincount(bins, brightness, minlength=size) / divisor, variance, counts


def _line(brightness: np.ndarray, variance: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
    known = np.isfinite(variance)
    if known.sum() < 2:
        return 0.0, float(variance[known].mean()) if known.any() else 0.0
    gain, floor = np.polyfit(brightness[known], variance[known], 1, w=np.sqrt(counts[known]))
    return float(gain), float(floor)
