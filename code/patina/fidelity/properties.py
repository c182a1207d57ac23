"""What is compared: each property's distance from real pictures, and what it says in words."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from patina.fidelity.profile import Profile
from patina.metrics.autocorrelation import autocorrelation_distance
from patina.metrics.moments import covariance_distance
from patina.metrics.noise_level import NoiseLevel
from patina.metrics.sliced_wasserstein import sliced_wasserstein
from patina.metrics.spectrum import ROUNDING, by_frequency, by_orientation, decibels_between
from patina.seeding import numpy_rng

SMALLEST_SHARE = ROUNDING / 10
"""Shares of power below it count as it."""


@dataclass(frozen=True)
class Property:
    """One thing by which noise is compared.

    Attributes:
        key: its name in files.
        title: its name for people.
        unit: of the distance; empty for plain numbers.
        explanation: what the distance is, in a sentence.
        distance: of a profile from the real pictures'.
        words: what differs and by how much, of the same two.
        rounding: a distance up to this is none.
    """

    key: str
    title: str
    unit: str
    explanation: str
    distance: Callable[[Profile, Profile], float]
    words: Callable[[Profile, Profile], str]
    rounding: float


def spectrum_distance(profile: Profile, real: Profile) -> float:
    """Compare the power in rings of frequency, in dB."""
    return decibels_between(by_frequency(profile.spectrum)[1], by_frequency(real.spectrum)[1])


def orientation_distance(profile: Profile, real: Profile) -> float:
    """Compare how power is shared between orientations, whatever its sum, in dB."""
    return decibels_between(_shares(profile), _shares(real), floor=SMALLEST_SHARE)


def level_distance(profile: Profile, real: Profile) -> float:
    """Compare the variance at each brightness that both sets have, in dB."""
    weights = np.minimum(*(each.level.counts / each.level.counts.sum() for each in (profile, real)))
    return decibels_between(profile.level.variance, real.level.variance, weights)


def wasserstein_distance(profile: Profile, real: Profile) -> float:
    """Compare patches of a Laplacian pyramid, the mean over its bands, in grey levels."""
    rng = numpy_rng(0, "projections")
    return float(np.mean([sliced_wasserstein(a, b, rng) for a, b in zip(profile.bands, real.bands, strict=True)]))


def _shares(profile: Profile) -> np.ndarray:
    power = by_orientation(profile.spectrum)[1]
    return power / max(power.mean(), 1e-12)


def _of(value: float, real: float, digits: int = 2) -> str:
    return f"{value:.{digits}f} against {real:.{digits}f}"


def _spectrum_words(profile: Profile, real: Profile) -> str:
    frequency, power = by_frequency(profile.spectrum)
    ratio = 10 * np.log10(np.maximum(power, 1e-3) / np.maximum(by_frequency(real.spectrum)[1], 1e-3))
    worst = int(np.nanargmax(np.abs(ratio)))
    more = "too strong" if ratio[worst] > 0 else "too weak"
    size = "fine" if frequency[worst] > 0.3 else "coarse" if frequency[worst] < 0.15 else "middling"
    return f"the {size} part of the noise is {more}: {ratio[worst]:+.1f} dB at {frequency[worst]:.2f} cycles a pixel"


def _orientation_words(profile: Profile, real: Profile) -> str:
    ratio = 10 * np.log10(np.maximum(_shares(profile), 1e-3) / np.maximum(_shares(real), 1e-3))
    worst = int(np.argmax(np.abs(ratio)))
    angle = by_orientation(real.spectrum)[0][worst]
    more = "too much" if ratio[worst] > 0 else "too little"
    return f"{more} of the noise lies at {angle:.0f} degrees: {ratio[worst]:+.1f} dB"


def _correlation_words(profile: Profile, real: Profile) -> str:
    grain = "fine-grained" if profile.neighbours < real.neighbours else "coarse-grained"
    return f"noise too {grain}: at one pixel's distance {_of(profile.neighbours, real.neighbours)}"


def _covariance_words(profile: Profile, real: Profile) -> str:
    strength = max(profile.deviation, real.deviation) / max(min(profile.deviation, real.deviation), 1e-6) - 1
    if strength > abs(profile.channels - real.channels):
        return f"noise too {_weak(profile, real)}: deviation {_of(profile.deviation, real.deviation)} of 255"
    alike = "independent" if profile.channels < real.channels else "alike"
    return f"channels too {alike}: their correlation is {_of(profile.channels, real.channels)}"


def _weak(profile: Profile, real: Profile) -> str:
    return "weak" if profile.deviation < real.deviation else "strong"


def _level_words(profile: Profile, real: Profile) -> str:
    own, true = (_deviation_by_brightness(each.level) for each in (profile, real))
    gap = np.abs(np.log(np.maximum(own, 0.1) / np.maximum(true, 0.1)))
    if not np.isfinite(gap).any():
        return "the two sets share no brightness at which noise could be compared"
    worst = int(np.nanargmax(gap))
    brightness = np.nanmean(real.level.brightness[worst])
    weak = "weak" if own[worst] < true[worst] else "strong"
    return f"noise too {weak} at brightness {brightness:.0f}: deviation {_of(own[worst], true[worst])}"


def _deviation_by_brightness(level: NoiseLevel) -> np.ndarray:
    known = np.isfinite(level.variance)
    total = np.where(known, level.variance, 0).sum(axis=1)
    return np.sqrt(np.divide(total, known.sum(axis=1), out=np.full(len(total), np.nan), where=known.any(axis=1)))


def _kurtosis_words(profile: Profile, real: Profile) -> str:
    heavy = "few" if profile.kurtosis < real.kurtosis else "many"
    return f"too {heavy} outliers: excess kurtosis {_of(profile.kurtosis, real.kurtosis)}"


def _blockiness_words(profile: Profile, real: Profile) -> str:
    much = "too little" if profile.blockiness < real.blockiness else "too much"
    return (
        f"{much} of JPEG's grid: its steps are {100 * profile.blockiness:+.0f} % against {100 * real.blockiness:+.0f} %"
    )


def _wasserstein_words(profile: Profile, real: Profile) -> str:
    return f"patches lie {wasserstein_distance(profile, real):.2f} grey levels from real ones"


UNPAIRED = (
    Property("spectrum", "Spectrum", "dB", "root mean square difference of the power over frequency",
             spectrum_distance, _spectrum_words, 0.3),
    Property("orientation", "Direction", "dB", "root mean square difference of the power's share over orientation",
             orientation_distance, _orientation_words, 0.15),
    Property("autocorrelation", "Grain", "", "root of the summed squared differences of the autocorrelation",
             lambda a, b: autocorrelation_distance(a.correlation, b.correlation), _correlation_words, 0.05),
    Property("covariance", "Colour", "", "relative difference of the channels' covariance",
             lambda a, b: covariance_distance(a.covariance, b.covariance), _covariance_words, 0.05),
    Property("level", "Brightness", "dB", "root mean square difference of the variance over brightness",
             level_distance, _level_words, 0.3),
    Property("kurtosis", "Outliers", "", "difference of the excess kurtosis",
             lambda a, b: abs(a.kurtosis - b.kurtosis), _kurtosis_words, 0.1),
    Property("blockiness", "JPEG grid", "", "difference of how much larger the steps across the 8x8 grid are",
             lambda a, b: abs(a.blockiness - b.blockiness), _blockiness_words, 0.02),
    Property("wasserstein", "Patches", "levels", "sliced Wasserstein distance of Laplacian pyramid patches",
             wasserstein_distance, _wasserstein_words, 0.05),
)  # fmt: skip
"""The properties measured on sets that need not show the same, in the order of tables."""
