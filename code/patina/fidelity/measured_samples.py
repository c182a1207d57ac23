"""The noise statistics of the images of a set, one by one: what a set's profile is averaged from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from patina.fidelity.samples import PATCH, Sample
from patina.metrics.autocorrelation import autocovariance
from patina.metrics.blockiness import blockiness
from patina.metrics.highpass import crop_patches, low_pass, patch_texture, quiet_places, smoothest
from patina.metrics.moments import RawMoments, raw_moments
from patina.metrics.noise_level import level_sums
from patina.metrics.sliced_wasserstein import projected, pyramid_patches, random_directions
from patina.metrics.spectrum import power_spectrum
from patina.seeding import numpy_rng

QUIET_FRACTION = 0.25
"""Fraction of a set's patches that count as quiet; more would include texture."""

PYRAMID_LEVELS = 3
PYRAMID_PATCHES = 128
"""Patches of every pyramid level and image for the sliced Wasserstein distance."""

CLASSIFIER_PATCHES = 12
"""Patches of every image for the two-sample test."""


@dataclass(frozen=True)
class NoiseMeans:
    """Statistics of the noise in an image's quiet patches. Those of several images average, weighted by `patches`.

    Attributes:
        patches: number of quiet patches, 1 or more.
        power: result of `power_spectrum`.
        autocovariance: result of `autocovariance`.
        moments: result of `raw_moments`.
        level_sums: result of `level_sums`; these add up.
    """

    patches: int
    power: np.ndarray
    autocovariance: np.ndarray
    moments: RawMoments
    level_sums: np.ndarray


@dataclass(frozen=True)
class MeasuredSample:
    """What one image adds to its set's profile.

    Attributes:
        sample: the image.
        scene: name of its scene.
        texture: of its patches, see `patch_texture`.
        noise: of its quiet patches; None if the set has quieter ones elsewhere.
        blockiness: of the whole image.
        pyramid: projections of the patches of a Laplacian pyramid, ``[K, N]`` float32 per level.
        patches: what the two-sample test classifies, ``[N, PATCH, PATCH, 3]``.
    """

    sample: Sample
    scene: str
    texture: np.ndarray
    noise: NoiseMeans | None
    blockiness: float
    pyramid: list[np.ndarray]
    patches: np.ndarray

    @property
    def name(self) -> str:
        """Name of the image."""
        return self.sample.name


def statistics_of(samples: Sequence[Sample], seed: int) -> list[MeasuredSample]:
    """Measure the images of a set, one by one.

    Args:
        samples: one or more. They share the choice of quiet patches: the quietest of the set.
        seed: seed of the patch positions; images with the same name are cropped at the same positions.
    """
    return as_a_set(
        [
            MeasuredSample(
                sample, sample.scene, patch_texture(sample.pixels, PATCH), None, blockiness(sample.pixels),
                _projected_pyramid(sample, seed),
                _classifier_patches(sample, seed),
            )
            for sample in samples
        ]
    )  # fmt: skip


def as_a_set(images: Sequence[MeasuredSample]) -> list[MeasuredSample]:
    """Return images with the noise of the patches that are the quietest of these images."""
    places = smoothest([image.texture for image in images], PATCH, QUIET_FRACTION)
    noises = _noises([image.sample for image in images], places)
    return [replace(image, noise=_noise_means(*noise)) for image, noise in zip(images, noises, strict=True)]


def quiet_noise(samples: Sequence[Sample], clean: Sequence[Sample] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the noise in the quiet places of a set and the brightness under it, both ``[N, PATCH, PATCH, 3]``.

    Args:
        samples: the set.
        clean: the same images without noise, if known. The noise is then the high-pass part of the difference. Its
            low-pass part is no noise: exposures differ from each other by a level or two over the whole image.
    """
    places = quiet_places([sample.pixels for sample in samples], PATCH, QUIET_FRACTION)
    noise, brightness = zip(*_noises(samples, places, clean), strict=True)
    return np.concatenate(noise), np.concatenate(brightness)


def _noises(
    samples: Sequence[Sample], places: Sequence[Sequence[tuple[int, int]]], clean: Sequence[Sample] | None = None
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return for every image the noise in its places and the brightness under it; see `quiet_noise`."""
    coarse = [low_pass(sample.pixels) for sample in samples]
    fine = [sample.pixels - low for sample, low in zip(samples, coarse, strict=True)]
    if clean is not None:
        residuals = [sample.pixels - other.pixels for sample, other in zip(samples, clean, strict=True)]
        fine = [residual - low_pass(residual) for residual in residuals]
    return [
        (crop_patches(noise, found, PATCH), crop_patches(brightness, found, PATCH))
        for noise, brightness, found in zip(fine, coarse, places, strict=True)
    ]


def _noise_means(noise: np.ndarray, brightness: np.ndarray) -> NoiseMeans | None:
    if not len(noise):
        return None
    return NoiseMeans(
        len(noise), power_spectrum(noise), autocovariance(noise), raw_moments(noise), level_sums(brightness, noise)
    )


def _projected_pyramid(sample: Sample, seed: int) -> list[np.ndarray]:
    """Project the patches of every level of an image's pyramid onto the directions that all images share."""
    levels = pyramid_patches(sample.pixels, PYRAMID_PATCHES, PYRAMID_LEVELS, numpy_rng(seed, "bands", sample.name))
    directions = _directions(levels[0].shape[1])
    return [np.float32(projected(level, own)) for level, own in zip(levels, directions, strict=True)]


@lru_cache(maxsize=2)
def _directions(dimension: int) -> list[np.ndarray]:
    """Draw the directions of every level of the pyramid; drawing them takes as long as projecting onto them."""
    rng = numpy_rng(0, "projections")
    return [random_directions(dimension, rng) for _ in range(PYRAMID_LEVELS)]


def _classifier_patches(sample: Sample, seed: int) -> np.ndarray:
    rng = numpy_rng(seed, "judged", sample.name)
    height, width = (length - PATCH + 1 for length in sample.pixels.shape[:2])
    places = [(int(rng.integers(height)), int(rng.integers(width))) for _ in range(CLASSIFIER_PATCHES)]
    return crop_patches(sample.pixels, places, PATCH)
