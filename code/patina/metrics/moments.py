"""Moments of noise: the covariance of the channels and the excess kurtosis."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class RawMoments:
    """The mean powers of noise, which average over sets of equally many pixels.

    Attributes:
        mean: ``[C]``, in 8-bit units.
        products: means of the products of two channels, ``[C, C]``.
        cubes: mean third powers, ``[C]``.
        fourths: mean fourth powers, ``[C]``.
    """

    mean: np.ndarray
    products: np.ndarray
    cubes: np.ndarray
    fourths: np.ndarray

    @property
    def covariance(self) -> np.ndarray:
        """Covariance of the channels, ``[C, C]`` in squared 8-bit units."""
        return self.products - np.outer(self.mean, self.mean)

    @property
    def excess_kurtosis(self) -> float:
        """The fourth standardised moment minus 3, the mean over the channels; NaN without variance.

        It is 0 for a Gaussian and 3 for a Laplace distribution. If the strength of noise varies over an image, the
        kurtosis of the whole image is larger than the local one.
        """
        mean, square = self.mean, np.diag(self.products)
        fourth = self.fourths - 4 * mean * self.cubes + 6 * mean**2 * square - 3 * mean**4
        variance = square - mean**2
        return float(np.mean(np.divide(fourth, variance**2, out=np.full_like(mean, np.nan), where=variance > 0)) - 3)


def raw_moments(noise: np.ndarray) -> RawMoments:
    """Return the moments of ``[..., C]``."""
    values = noise.reshape(-1, noise.shape[-1]).astype(np.float64)
    square = values**2
    return RawMoments(
        values.mean(axis=0), values.T @ values / len(values), (square * values).mean(axis=0), (square**2).mean(axis=0)
    )


def channel_covariance(noise: np.ndarray) -> np.ndarray:
    """Return the covariance of the channels of ``[..., C]``: ``[C, C]`` in squared 8-bit units."""
    return raw_moments(noise).covariance


def excess_kurtosis(noise: np.ndarray) -> float:
    """Return the excess kurtosis of ``[..., C]``, as in `RawMoments`."""
    return raw_moments(noise).excess_kurtosis


def covariance_distance(a: np.ndarray, reference: np.ndarray) -> float:
    """Return the Frobenius norm of the difference, relative to that of the reference."""
    return float(np.linalg.norm(a - reference) / np.linalg.norm(reference))
