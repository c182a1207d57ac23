"""What is known of a set of pictures' noise without any pairs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from patina.fidelity.samples import PATCH, Shot
from patina.metrics.autocorrelation import REACH, autocorrelation
from patina.metrics.blockiness import blockiness
from patina.metrics.highpass import cut, low_pass, quiet_places
from patina.metrics.moments import channel_covariance, excess_kurtosis
from patina.metrics.noise_level import NoiseLevel, noise_level
from patina.metrics.sliced_wasserstein import pyramid_patches
from patina.metrics.spectrum import power_spectrum
from patina.metrics.two_sample import Patches
from patina.seeding import numpy_rng

QUIET_SHARE = 0.25
"""Of a set's squares; more of them would be texture."""

BANDS = 3
POINTS = 128
"""Patches of every band and picture for the sliced Wasserstein distance."""

JUDGED_PATCHES = 12
"""Patches of every picture for the two-sample test."""


@dataclass(frozen=True)
class Profile:
    """The measures of a set; noise is the fine part of its quiet places, in grey levels.

    Attributes:
        spectrum: from `power_spectrum`.
        correlation: from `autocorrelation`.
        covariance: of the channels, ``[3, 3]``.
        level: variance by brightness.
        kurtosis: excess over a Gaussian's.
        blockiness: mean over pictures.
        bands: patches of a Laplacian pyramid, one array a band.
        patches: what the two-sample test looks at.
    """

    spectrum: np.ndarray
    correlation: np.ndarray
    covariance: np.ndarray
    level: NoiseLevel
    kurtosis: float
    blockiness: float
    bands: list[np.ndarray]
    patches: Patches

    @property
    def deviation(self) -> float:
        """The noise's deviation, root mean square over the channels."""
        return float(np.sqrt(np.trace(self.covariance) / 3))

    @property
    def neighbours(self) -> float:
        """Correlation at one pixel's distance, the mean of both directions."""
        return float((self.correlation[REACH, REACH + 1] + self.correlation[REACH + 1, REACH]) / 2)

    @property
    def channels(self) -> float:
        """Mean correlation of two channels."""
        deviation = np.sqrt(np.diag(self.covariance))
        correlation = self.covariance / np.outer(deviation, deviation).clip(1e-12)
        return float(correlation[np.triu_indices(3, 1)].mean())


def profile_of(shots: Sequence[Shot], seed: int) -> Profile:
    """Measure a set of pictures.

    Args:
        shots: one or more.
        seed: of the places that patches are cut from; pictures of one name are cut at the same places.
    """
    noise, light = quiet_noise(shots)
    bands = [pyramid_patches(shot.pixels, POINTS, BANDS, numpy_rng(seed, "bands", shot.name)) for shot in shots]
    return Profile(
        spectrum=power_spectrum(noise),
        correlation=autocorrelation(noise),
        covariance=channel_covariance(noise),
        level=noise_level(light, noise),
        kurtosis=excess_kurtosis(noise),
        blockiness=float(np.mean([blockiness(shot.pixels) for shot in shots])),
        bands=[np.concatenate(band) for band in zip(*bands, strict=True)],
        patches=_judged(shots, seed),
    )


def quiet_noise(shots: Sequence[Shot], minus: Sequence[Shot] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the noise of a set's quiet places and the brightness under it, each ``[N, PATCH, PATCH, 3]``.

    Args:
        shots: the set.
        minus: the same pictures without noise; where they are known, the fine part of the difference is the noise.
            Its coarse part is not: one exposure differs from another by a level or two all over the picture.
    """
    places = quiet_places([shot.pixels for shot in shots], PATCH, QUIET_SHARE)
    coarse = [low_pass(shot.pixels) for shot in shots]
    fine = [shot.pixels - low for shot, low in zip(shots, coarse, strict=True)]
    if minus is not None:
        residuals = [shot.pixels - true.pixels for shot, true in zip(shots, minus, strict=True)]
        fine = [residual - low_pass(residual) for residual in residuals]
    noise = [cut(each, at, PATCH) for each, at in zip(fine, places, strict=True)]
    light = [cut(each, at, PATCH) for each, at in zip(coarse, places, strict=True)]
    return np.concatenate(noise), np.concatenate(light)


def _judged(shots: Sequence[Shot], seed: int) -> Patches:
    squares, owners = [], []
    for shot in shots:
        rng = numpy_rng(seed, "judged", shot.name)
        height, width = (length - PATCH + 1 for length in shot.pixels.shape[:2])
        places = [(int(rng.integers(height)), int(rng.integers(width))) for _ in range(JUDGED_PATCHES)]
        squares.append(cut(shot.pixels, places, PATCH))
        owners += [shot] * JUDGED_PATCHES
    return Patches(np.concatenate(squares), [shot.name for shot in owners], [shot.scene for shot in owners])
