"""The power spectrum of noise, by frequency and by orientation; white noise has a flat spectrum."""

import numpy as np

LOWEST = 1 / 16
"""Lowest frequency in cycles per pixel; below it, content outweighs noise."""

ROUNDING = 1 / 12
"""Variance of rounding to integers; weaker noise is invisible in an 8-bit image."""


def power_spectrum(noise: np.ndarray) -> np.ndarray:
    """Return the mean periodogram of patches of noise under a Hann window (Welch 1967).

    Args:
        noise: ``[N, P, P, C]``.

    Returns:
        ``[P, P]`` in the order of `numpy.fft.fftfreq`, mean over patches and channels. White noise of variance v
        has the power v at every frequency.
    """
    side = noise.shape[1]
    window = np.hanning(side + 1)[:side, None]
    window = (window @ window.T)[None, :, :, None]
    power = np.abs(np.fft.fft2(noise * window, axes=(1, 2))) ** 2
    return power.mean(axis=(0, 3)) / np.square(window).sum()


def by_frequency(spectrum: np.ndarray, bins: int = 14) -> tuple[np.ndarray, np.ndarray]:
    """Average a spectrum over rings of frequency.

    Args:
        spectrum: result of `power_spectrum`.
        bins: number of rings between `LOWEST` and 1/2 cycle per pixel.

    Returns:
        Their centres in cycles per pixel, and their mean power.
    """
    edges = np.linspace(LOWEST, 0.5, bins + 1)
    radius, _ = _polar(len(spectrum))
    return (edges[1:] + edges[:-1]) / 2, _binned(spectrum, radius, edges)


def by_orientation(spectrum: np.ndarray, bins: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Average a spectrum over sectors of orientation, between `LOWEST` and 1/2 cycle per pixel.

    Args:
        spectrum: result of `power_spectrum`.
        bins: number of sectors of the half circle; the first one is centred at 0 degrees.

    Returns:
        Their centres in degrees (0: the noise varies from left to right; 90: from top to bottom), and their mean
        power.
    """
    radius, angle = _polar(len(spectrum))
    width = 180 / bins
    shifted = np.where((radius < LOWEST) | (radius > 0.5), np.nan, (angle + width / 2) % 180)
    return np.arange(bins) * width, _binned(spectrum, shifted, np.linspace(0, 180, bins + 1))


def relative_by_orientation(spectrum: np.ndarray, floor: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return the result of `by_orientation` relative to its mean; powers below `floor` are raised to it."""
    degrees, power = by_orientation(spectrum)
    power = np.maximum(power, floor)
    return degrees, power / max(power.mean(), 1e-12)


def decibels_between(
    power: np.ndarray, reference: np.ndarray, weights: np.ndarray | None = None, floor: float = ROUNDING
) -> float:
    """Return the distance of two power curves: the root mean square of their ratio in dB.

    Args:
        power, reference: arrays of one shape, in squared 8-bit units; NaN values are ignored.
        weights: weights of the values, not negative. None: all equal.
        floor: lower powers are raised to this value.

    Returns:
        Decibels; NaN if nothing can be compared.
    """
    weights = np.ones(np.shape(power)) if weights is None else np.broadcast_to(weights, np.shape(power))
    known = np.isfinite(power) & np.isfinite(reference) & (weights > 0)
    if not known.any():
        return float("nan")
    ratios = 10 * np.log10(np.maximum(power[known], floor) / np.maximum(reference[known], floor))
    return float(np.sqrt(np.average(ratios**2, weights=weights[known])))


def _polar(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the radius in cycles per pixel and the angle in degrees of every frequency, both ``[P, P]``."""
    y, x = np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side), indexing="ij")
    return np.hypot(x, y), np.degrees(np.arctan2(y, x)) % 180


def _binned(spectrum: np.ndarray, place: np.ndarray, edges: np.ndarray) -> np.ndarray:
    bins = np.digitize(np.nan_to_num(place, nan=-1.0), edges) - 1
    inside = (bins >= 0) & (bins < len(edges) - 1)
    sums = np.bincount(bins[inside], spectrum[inside], minlength=len(edges) - 1)
    counts = np.bincount(bins[inside], minlength=len(edges) - 1)
    return np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
