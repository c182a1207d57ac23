"""The channels' covariance and the tails of noise."""

import numpy as np
from scipy import stats


def channel_covariance(noise: np.ndarray) -> np.ndarray:
    """Return the covariance of the channels of ``[..., C]``: ``[C, C]`` in grey levels squared."""
    return np.cov(noise.reshape(-1, noise.shape[-1]).T, ddof=0)


def covariance_distance(a: np.ndarray, reference: np.ndarray) -> float:
    """Return the Frobenius norm of the difference, relative to the reference's; 0 for equal ones."""
    return float(np.linalg.norm(a - reference) / np.linalg.norm(reference))


def excess_kurtosis(noise: np.ndarray) -> float:
    """Return the fourth standardised moment less 3, the mean over channels of ``[..., C]``.

    A Gaussian has 0, a Laplace distribution 3. Noise whose strength changes from place to place has more than each
    of its places.
    """
    return float(np.mean(stats.kurtosis(noise.reshape(-1, noise.shape[-1]), axis=0)))
