"""The autocorrelation of noise between neighbouring pixels."""

import numpy as np

REACH = 8
"""Largest offset along either axis, in pixels."""


def autocovariance(noise: np.ndarray, reach: int = REACH) -> np.ndarray:
    """Return the covariance of noise with itself at every offset up to `reach` pixels.

    Args:
        noise: patches ``[N, P, P, C]`` with mean zero, P greater than `reach`. The mean of an offset is over the pixels
            whose partner lies in the same patch, over patches and channels.
        reach: largest offset along either axis.

    Returns:
        ``[2 reach + 1, 2 reach + 1]``, vertical offset first, the variance in the middle.
    """
    side = noise.shape[1]
    padded = np.fft.rfft2(noise, s=(2 * side, 2 * side), axes=(1, 2))
    sums = np.fft.irfft2((np.abs(padded) ** 2).mean(axis=(0, 3)), s=(2 * side, 2 * side))
    offsets = np.arange(-reach, reach + 1)
    counts = (side - np.abs(offsets))[:, None] * (side - np.abs(offsets))[None, :]
    return sums[np.ix_(offsets, offsets)] / counts


def correlation_of(covariance: np.ndarray) -> np.ndarray:
    """Return an autocovariance divided by its variance, 1 in the middle; NaN if the noise has no variance."""
    variance = covariance[len(covariance) // 2, len(covariance) // 2]
    return covariance / variance if variance > 0 else np.full_like(covariance, np.nan)


def autocorrelation(noise: np.ndarray, reach: int = REACH) -> np.ndarray:
    """Return the correlation of noise with itself; arguments as in `autocovariance`."""
    return correlation_of(autocovariance(noise, reach))


def autocorrelation_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Return the Euclidean distance of two autocorrelations; opposite offsets count once."""
    return float(np.sqrt(np.square(a - b).sum() / 2))
