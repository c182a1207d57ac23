"""The power spectrum of noise, by frequency and by orientation. White noise is equally strong everywhere."""

import numpy as np

LOWEST = 1 / 16
"""Cycles a pixel; below it a picture's content outweighs its noise."""

ROUNDING = 1 / 12
"""Variance of rounding to whole grey levels: no noise of a stored picture can be told to be weaker."""


def power_spectrum(noise: np.ndarray) -> np.ndarray:
    """Return the mean periodogram of squares of noise, under a Hann window (Welch 1967).

    Args:
        noise: ``[N, P, P, C]``.

    Returns:
        ``[P, P]`` in the order of `numpy.fft.fftfreq`, means over squares and channels; white noise of variance v
        is v at every frequency.
    """
    side = noise.shape[1]
    window = np.hanning(side + 1)[:side, None]
    window = (window @ window.T)[None, :, :, None]
    power = np.abs(np.fft.fft2(noise * window, axes=(1, 2))) ** 2
    return power.mean(axis=(0, 3)) / np.square(window).sum()


def by_frequency(spectrum: np.ndarray, bins: int = 14) -> tuple[np.ndarray, np.ndarray]:
    """Average a spectrum over rings.

    Args:
        spectrum: from `power_spectrum`.
        bins: rings between `LOWEST` and 1/2 cycle a pixel.

    Returns:
        Their middles in cycles a pixel, and the mean power in each.
    """
    edges = np.linspace(LOWEST, 0.5, bins + 1)
    radius, _ = _polar(len(spectrum))
    return (edges[1:] + edges[:-1]) / 2, _binned(spectrum, radius, edges)


def by_orientation(spectrum: np.ndarray, bins: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Average a spectrum over sectors, between `LOWEST` and 1/2 cycle a pixel.

    Args:
        spectrum: from `power_spectrum`.
        bins: sectors of the half circle; the first one is centred at 0 degrees.

    Returns:
        Their middles in degrees (0: the picture varies from left to right; 90: from top to bottom), and the mean
        power in each.
    """
    radius, angle = _polar(len(spectrum))
    width = 180 / bins
    shifted = np.where((radius < LOWEST) | (radius > 0.5), np.nan, (angle + width / 2) % 180)
    return np.arange(bins) * width, _binned(spectrum, shifted, np.linspace(0, 180, bins + 1))


def relative_by_orientation(spectrum: np.ndarray, floor: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return the result of `by_orientation` with the power relative to its mean; powers below `floor` count as it."""
    degrees, power = by_orientation(spectrum)
    power = np.maximum(power, floor)
    return degrees, power / max(power.mean(), 1e-12)


def decibels_between(
    power: np.ndarray, reference: np.ndarray, weights: np.ndarray | None = None, floor: float = ROUNDING
) -> float:
    """Return how far two curves of power are apart: the root mean square of their ratios in dB.

    Args:
        power, reference: of one shape, variances in grey levels squared; NaN where there is nothing to compare.
        weights: of the values, not negative; all equal where left out.
        floor: what powers below it count as.

    Returns:
        Decibels; NaN where nothing can be compared.
    """
    weights = np.ones(np.shape(power)) if weights is None else np.broadcast_to(weights, np.shape(power))
    known = np.isfinite(power) & np.isfinite(reference) & (weights > 0)
    if not known.any():
        return float("nan")
    ratios = 10 * np.log10(np.maximum(power[known], floor) / np.maximum(reference[known], floor))
    return float(np.sqrt(np.average(ratios**2, weights=weights[known])))


def _polar(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the radius in cycles a pixel and the angle in degrees of every frequency, ``[P, P]``."""
    y, x = np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side), indexing="ij")
    return np.hypot(x, y), np.degrees(np.arctan2(y, x)) % 180


def _binned(spectrum: np.ndarray, place: np.ndarray, edges: np.ndarray) -> np.ndarray:
    bins = np.digitize(np.nan_to_num(place, nan=-1.0), edges) - 1
    inside = (bins >= 0) & (bins < len(edges) - 1)
    sums = np.bincount(bins[inside], spectrum[inside], minlength=len(edges) - 1)
    counts = np.bincount(bins[inside], minlength=len(edges) - 1)
    return np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
