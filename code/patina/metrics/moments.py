"""Moments of noise: the covariance of the channels and the excess kurtosis."""

import numpy as np
from scipy import stats


def channel_covariance(noise: np.ndarray) -> np.ndarray:
    """Return the covariance of the channels of ``[..., C]``: ``[C, C]`` in squared 8-bit units."""
    return np.cov(noise.reshape(-1, noise.shape[-1]).T, ddof=0)


def covariance_distance(a: np.ndarray, reference: np.ndarray) -> float:
    """Return the Frobenius norm of the difference, relative to that of the reference."""
    return float(np.linalg.norm(a - reference) / np.linalg.norm(reference))


def excess_kurtosis(noise: np.ndarray) -> float:
    """Return the fourth standardised moment minus 3, the mean over the channels of ``[..., C]``.

    It is 0 for a Gaussian and 3 for a Laplace distribution. If the strength of noise varies over an image, the kurtosis
    of the whole image is larger than the local one.
    """
    return float(np.mean(stats.kurtosis(noise.reshape(-1, noise.shape[-1]), axis=0)))
