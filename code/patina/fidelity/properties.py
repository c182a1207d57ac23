"""The compared properties: their distance from the real images, and their description.

A new measure is a function for its distance, one for its description, and a row in one of the tables below.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from patina.fidelity import descriptions as described
from patina.fidelity.profile import Profile
from patina.metrics.autocorrelation import autocorrelation_distance
from patina.metrics.moments import covariance_distance
from patina.metrics.residuals import afmd, akld, histogram, kl_divergence, strength_histogram
from patina.metrics.sliced_wasserstein import sliced_wasserstein
from patina.metrics.spectrum import ROUNDING, by_frequency, decibels_between, relative_by_orientation
from patina.metrics.two_sample import CHANCE
from patina.seeding import numpy_rng

MIN_FRACTION = ROUNDING / 10
"""Relative powers below it count as equal to it."""

Residuals = Sequence[np.ndarray]
"""A degraded image minus its clean one, ``[H, W, 3]`` float in 8-bit units, one for every image."""


@dataclass(frozen=True)
class Measure:
    """One measure by which generated images are compared with real ones.

    Attributes:
        key: name in files.
        title: name for people.
        unit: unit of the distance; empty for plain numbers.
        meaning: what it says about an image, in words that need no knowledge of the field.
        definition: what is computed, in the field's words.
        tolerance: distances up to this one count as none.
        digits: decimals in tables.
        zero: value that stands for "no difference".
    """

    key: str
    title: str
    unit: str
    meaning: str
    definition: str
    tolerance: float
    digits: int = 2
    zero: float = 0.0

    @property
    def heading(self) -> str:
        """The title with its unit, for the head of a table."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    def excess(self, value: float) -> float:
        """Return how far a value is from "no difference"; an accuracy below chance counts as chance."""
        return max(value - self.zero, 0.0) if self.zero else value


@dataclass(frozen=True, kw_only=True)
class Property(Measure):
    """A measure of two profiles; the images need not show the same content.

    Attributes:
        distance: distance of a profile from the real one.
        describe: what differs and by how much.
    """

    distance: Callable[[Profile, Profile], float]
    describe: Callable[[Profile, Profile], str]


@dataclass(frozen=True, kw_only=True)
class ResidualProperty(Measure):
    """A measure of residuals; it needs real images that are pairs of the clean ones.

    Attributes:
        distance: distance of generated residuals from the real ones.
        describe: what differs and by how much.
    """

    distance: Callable[[Residuals, Residuals], float]
    describe: Callable[[Residuals, Residuals], str]


def spectrum_distance(profile: Profile, real: Profile) -> float:
    """Compare the power in rings of frequency, in dB."""
    return decibels_between(by_frequency(profile.spectrum)[1], by_frequency(real.spectrum)[1])


def anisotropy_distance(profile: Profile, real: Profile) -> float:
    """Compare how the power is distributed over orientations, whatever its sum, in dB."""
    own, true = (relative_by_orientation(found.spectrum)[1] for found in (profile, real))
    return decibels_between(own, true, floor=MIN_FRACTION)


def noise_level_distance(profile: Profile, real: Profile) -> float:
    """Compare the variance at every brightness that both sets have, in dB."""
    own, true = profile.noise_level, real.noise_level
    weights = np.minimum(own.counts / own.counts.sum(), true.counts / true.counts.sum())
    return decibels_between(own.variance, true.variance, weights)


def patch_distances(profile: Profile, real: Profile) -> list[float]:
    """Compare patches of a Laplacian pyramid, level by level from fine to coarse, in 8-bit units."""
    rng = numpy_rng(0, "subset")
    return [sliced_wasserstein(a, b, rng) for a, b in zip(profile.pyramid, real.pyramid, strict=True)]


def histogram_distance(residuals: Residuals, real: Residuals) -> float:
    """Compare the histograms of all residuals, in nats."""
    return kl_divergence(histogram(residuals), histogram(real))


def strength_distance(residuals: Residuals, real: Residuals) -> float:
    """Compare how often the noise has which local strength, in nats."""
    return kl_divergence(strength_histogram(residuals), strength_histogram(real))


def akld_distance(residuals: Residuals, real: Residuals) -> float:
    """Compare local variances place by place, in nats."""
    return float(np.mean([akld(own[None], true) for own, true in zip(residuals, real, strict=True)]))


PROPERTIES = (
    Property(
        "spectrum", "Spectrum", "dB",
        "How strong the noise is in fine and in coarse detail.",
        "RMS difference of the power spectra over frequency", 0.3,
        distance=spectrum_distance, describe=described.spectrum,
    ),
    Property(
        "anisotropy", "Anisotropy", "dB",
        "Whether the noise runs in stripes. 0 degrees varies from left to right, 90 from top to bottom.",
        "RMS difference of the relative power over orientation", 0.15,
        distance=anisotropy_distance, describe=described.anisotropy,
    ),
    Property(
        "autocorrelation", "Autocorrelation", "",
        "How coarse the grain is: whether neighbouring pixels err together.",
        "root of the summed squared differences of the autocorrelations", 0.05,
        distance=lambda a, b: autocorrelation_distance(a.autocorrelation, b.autocorrelation),
        describe=described.autocorrelation,
    ),
    Property(
        "covariance", "Channel covariance", "",
        "How strong the noise is in red, green and blue, and whether it is grey or colourful.",
        "relative difference of the channels' covariance matrices", 0.05,
        distance=lambda a, b: covariance_distance(a.covariance, b.covariance), describe=described.covariance,
    ),
    Property(
        "noise_level", "Noise level", "dB",
        "How strong the noise is where an image is dark and where it is bright.",
        "RMS difference of the noise variance over brightness", 0.3,
        distance=noise_level_distance, describe=described.noise_level,
    ),
    Property(
        "kurtosis", "Kurtosis", "",
        "Whether some pixels stick out far from the rest.",
        "difference of the excess kurtosis", 0.1,
        distance=lambda a, b: abs(a.kurtosis - b.kurtosis), describe=described.kurtosis,
    ),
    Property(
        "blockiness", "Blockiness", "",
        "How visible the 8x8 blocks of JPEG are.",
        "difference of the relative excess of steps across the 8x8 grid", 0.02, 3,
        distance=lambda a, b: abs(a.blockiness - b.blockiness), describe=described.blockiness,
    ),
    Property(
        "wasserstein", "Patch distance", "8-bit levels",
        "How much small patches differ in all, in fine, medium and coarse detail.",
        "mean sliced Wasserstein distance of Laplacian pyramid patches", 0.05,
        distance=lambda a, b: float(np.mean(patch_distances(a, b))),
        describe=lambda a, b: described.patch_distance(patch_distances(a, b)),
    ),
)  # fmt: skip
"""The properties that need no pairs, in the order of tables."""

CLASSIFIER = Measure(
    "classifier_accuracy", "Classifier accuracy", "%",
    "How often a small network tells generated from real patches. 50 % is guessing.",
    "accuracy on held-out patches, a two-sample test", 1.0, 1, 100 * CHANCE,
)  # fmt: skip
"""The two-sample test; its value is an accuracy with a confidence interval, not a distance."""

RESIDUAL_PROPERTIES = (
    ResidualProperty(
        "kl", "Residual histogram", "nats",
        "How often every error of a pixel occurs, from small to large.",
        "KL divergence of the residuals' histograms", 0.005, 3,
        distance=histogram_distance, describe=described.residual_histogram,
    ),
    ResidualProperty(
        "akld", "Local noise level", "nats",
        "Whether the noise is strong and weak in the same places.",
        "average KL divergence of local Gaussians (AKLD)", 0.01, 3,
        distance=akld_distance, describe=described.local_noise_level,
    ),
    ResidualProperty(
        "local_kl", "Local strengths", "nats",
        "How often the noise is weak, medium and strong, wherever that is.",
        "KL divergence of the histograms of local variances, in bins of 1 dB", 0.005, 3,
        distance=strength_distance, describe=described.local_strengths,
    ),
    ResidualProperty(
        "afmd", "Residual kurtosis", "",
        "Whether single errors stick out as far as in the same real image.",
        "mean difference of the residuals' excess kurtosis (AFMD)", 0.05,
        distance=afmd, describe=described.residual_kurtosis,
    ),
)  # fmt: skip
"""The properties that need pairs."""

MEASURES = {measure.key: measure for measure in (*PROPERTIES, CLASSIFIER, *RESIDUAL_PROPERTIES)}
"""All measures by key, in the order of tables."""
