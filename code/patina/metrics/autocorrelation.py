"""How noise at one pixel goes with noise at another."""

import numpy as np

REACH = 8
"""How far it is measured, in pixels."""


def autocorrelation(noise: np.ndarray, reach: int = REACH) -> np.ndarray:
    """Return the correlation of noise with itself at every offset up to `reach` pixels.

    Args:
        noise: squares ``[N, P, P, C]`` of mean zero, P greater than `reach`; each offset is averaged over the pixels
            that have a partner inside of their square, over squares and channels.
        reach: largest offset along either axis.

    Returns:
        ``[2 reach + 1, 2 reach + 1]``, rows down, columns to the right, 1 in the middle; NaN for noise without any
        variance.
    """
    side = noise.shape[1]
    padded = np.fft.rfft2(noise, s=(2 * side, 2 * side), axes=(1, 2))
    sums = np.fft.irfft2((np.abs(padded) ** 2).mean(axis=(0, 3)), s=(2 * side, 2 * side))
    offsets = np.arange(-reach, reach + 1)
    counts = (side - np.abs(offsets))[:, None] * (side - np.abs(offsets))[None, :]
    covariance = sums[np.ix_(offsets, offsets)] / counts
    variance = covariance[reach, reach]
    return covariance / variance if variance > 0 else np.full_like(covariance, np.nan)


def autocorrelation_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Return the root of the summed squared differences of two results of `autocorrelation`, each offset pair once."""
    return float(np.sqrt(np.square(a - b).sum() / 2))
