"""The noise statistics of a set of images, measured without pairs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from patina.fidelity.samples import PATCH, Sample
from patina.metrics.autocorrelation import REACH, autocorrelation
from patina.metrics.blockiness import blockiness
from patina.metrics.highpass import crop_patches, low_pass, quiet_places
from patina.metrics.moments import channel_covariance, excess_kurtosis
from patina.metrics.noise_level import NoiseLevel, noise_level
from patina.metrics.sliced_wasserstein import pyramid_patches
from patina.metrics.spectrum import power_spectrum
from patina.metrics.two_sample import PatchSet
from patina.seeding import numpy_rng

QUIET_FRACTION = 0.25
"""Fraction of a set's patches that count as quiet; more would include texture."""

PYRAMID_LEVELS = 3
PYRAMID_PATCHES = 128
"""Patches of every pyramid level and image for the sliced Wasserstein distance."""

CLASSIFIER_PATCHES = 12
"""Patches of every image for the two-sample test."""


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
        pyramid: patches of a Laplacian pyramid, one array per level.
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
    """Measure a set of images.

    Args:
        samples: one or more.
        seed: seed of the patch positions; images with the same name are cropped at the same positions.
    """
    noise, brightness = quiet_noise(samples)
    pyramids = [
        pyramid_patches(sample.pixels, PYRAMID_PATCHES, PYRAMID_LEVELS, numpy_rng(seed, "bands", sample.name))
        for sample in samples
    ]
    return Profile(
        spectrum=power_spectrum(noise),
        autocorrelation=autocorrelation(noise),
        covariance=channel_covariance(noise),
        noise_level=noise_level(brightness, noise),
        kurtosis=excess_kurtosis(noise),
        blockiness=float(np.mean([blockiness(sample.pixels) for sample in samples])),
        pyramid=[np.concatenate(level) for level in zip(*pyramids, strict=True)],
        patches=_classifier_patches(samples, seed),
    )


def quiet_noise(samples: Sequence[Sample], clean: Sequence[Sample] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the noise in the quiet places of a set and the brightness under it, both ``[N, PATCH, PATCH, 3]``.

    Args:
        samples: the set.
        clean: the same images without noise, if known. The noise is then the high-pass part of the difference. Its
            low-pass part is no noise: exposures differ from each other by a level or two over the whole image.
    """
    places = quiet_places([sample.pixels for sample in samples], PATCH, QUIET_FRACTION)
    coarse = [low_pass(sample.pixels) for sample in samples]
    fine = [sample.pixels - low for sample, low in zip(samples, coarse, strict=True)]
    if clean is not None:
        residuals = [sample.pixels - other.pixels for sample, other in zip(samples, clean, strict=True)]
        fine = [residual - low_pass(residual) for residual in residuals]
    noise = [crop_patches(image, found, PATCH) for image, found in zip(fine, places, strict=True)]
    brightness = [crop_patches(image, found, PATCH) for image, found in zip(coarse, places, strict=True)]
    return np.concatenate(noise), np.concatenate(brightness)


def _classifier_patches(samples: Sequence[Sample], seed: int) -> PatchSet:
    patches, owners = [], []
    for sample in samples:
        rng = numpy_rng(seed, "judged", sample.name)
        height, width = (length - PATCH + 1 for length in sample.pixels.shape[:2])
        places = [(int(rng.integers(height)), int(rng.integers(width))) for _ in range(CLASSIFIER_PATCHES)]
        patches.append(crop_patches(sample.pixels, places, PATCH))
        owners += [sample] * CLASSIFIER_PATCHES
    return PatchSet(np.concatenate(patches), [sample.name for sample in owners], [sample.scene for sample in owners])
