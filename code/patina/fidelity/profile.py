"""The noise statistics of a set of images, measured without pairs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from patina.fidelity.measured_samples import MeasuredSample, NoiseMeans, statistics_of
from patina.fidelity.samples import Sample
from patina.metrics.autocorrelation import REACH, correlation_of
from patina.metrics.moments import RawMoments
from patina.metrics.noise_level import NoiseLevel, level_of
from patina.metrics.two_sample import PatchSet


@dataclass(frozen=True)
class Profile:
    """The noise statistics of a set. Noise is the high-pass part of its quiet places, in 8-bit units.

    Attributes:
        spectrum: result of `power_spectrum`.
        autocorrelation: result of `autocorrelation`.
        covariance: covariance of the channels, ``[3, 3]``.
        noise_level: noise variance by brightness.
        kurtosis: excess kurtosis; 0 for a Gaussian.
        blockiness: mean over the images.
        pyramid: projections of the patches of a Laplacian pyramid, ``[K, N]`` per level.
        patches: what the two-sample test classifies.
    """

    spectrum: np.ndarray
    autocorrelation: np.ndarray
    covariance: np.ndarray
    noise_level: NoiseLevel
    kurtosis: float
    blockiness: float
    pyramid: list[np.ndarray]
    patches: PatchSet

    @property
    def std(self) -> float:
        """Standard deviation of the noise, root mean square over the channels."""
        return float(np.sqrt(np.trace(self.covariance) / 3))

    @property
    def neighbour_correlation(self) -> float:
        """Correlation of adjacent pixels, mean of the horizontal and the vertical one."""
        return float((self.autocorrelation[REACH, REACH + 1] + self.autocorrelation[REACH + 1, REACH]) / 2)

    @property
    def channel_correlation(self) -> float:
        """Mean correlation of two channels."""
        std = np.sqrt(np.diag(self.covariance))
        correlation = self.covariance / np.outer(std, std).clip(1e-12)
        return float(correlation[np.triu_indices(3, 1)].mean())


def profile_of(samples: Sequence[Sample], seed: int) -> Profile:
    """Measure a set of one or more images; `seed` as in `statistics_of`."""
    return joint_profile(statistics_of(samples, seed))


def joint_profile(images: Sequence[MeasuredSample]) -> Profile:
    """Return the profile of one or more measured images; an image that is listed twice counts twice."""
    noises = [image.noise for image in images if image.noise is not None]
    moments = RawMoments(
        mean=_mean(noises, lambda noise: noise.moments.mean),
        products=_mean(noises, lambda noise: noise.moments.products),
        cubes=_mean(noises, lambda noise: noise.moments.cubes),
        fourths=_mean(noises, lambda noise: noise.moments.fourths),
    )
    return Profile(
        spectrum=_mean(noises, lambda noise: noise.power),
        autocorrelation=correlation_of(_mean(noises, lambda noise: noise.autocovariance)),
        covariance=moments.covariance,
        noise_level=level_of(np.sum([noise.level_sums for noise in noises], axis=0)),
        kurtosis=moments.excess_kurtosis,
        blockiness=float(np.mean([image.blockiness for image in images])),
        pyramid=[np.concatenate(level, axis=1) for level in zip(*(image.pyramid for image in images), strict=True)],
        patches=_patch_set(images),
    )


def _mean(noises: Sequence[NoiseMeans], value: Callable[[NoiseMeans], np.ndarray]) -> np.ndarray:
    """Return the mean of a statistic over all quiet patches."""
    return np.average([value(noise) for noise in noises], axis=0, weights=[noise.patches for noise in noises])


def _patch_set(images: Sequence[MeasuredSample]) -> PatchSet:
    owners = [image for image in images for _ in image.patches]
    return PatchSet(
        np.concatenate([image.patches for image in images]),
        [image.name for image in owners],
        [image.scene for image in owners],
    )
