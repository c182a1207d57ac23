"""How generated noise differs from real noise, in one clause for every property."""

from collections.abc import Sequence

import numpy as np

from patina.fidelity.profile import Profile
from patina.metrics.moments import excess_kurtosis
from patina.metrics.noise_level import NoiseLevel
from patina.metrics.residuals import local_variance
from patina.metrics.spectrum import by_frequency, relative_by_orientation

LOW, HIGH = 0.15, 0.3
"""Bounds of the mid frequencies in cycles per pixel."""

MIN_POWER = 1e-3
"""Powers below it count as equal to it where the largest difference is looked for."""


def spectrum(profile: Profile, real: Profile) -> str:
    """Name the frequency at which the power differs most."""
    frequency, power = by_frequency(profile.spectrum)
    ratio = _decibels(power, by_frequency(real.spectrum)[1])
    worst = int(np.nanargmax(np.abs(ratio)))
    strong = "strong" if ratio[worst] > 0 else "weak"
    where = "mid frequencies"
    if frequency[worst] > HIGH:
        where = "high frequencies (fine detail)"
    elif frequency[worst] < LOW:
        where = "low frequencies (coarse detail)"
    return f"noise too {strong} at {where}: {ratio[worst]:+.1f} dB at {frequency[worst]:.2f} cycles per pixel"


def anisotropy(profile: Profile, real: Profile) -> str:
    """Name the orientation at which the relative power differs most."""
    degrees, power = relative_by_orientation(profile.spectrum)
    ratio = _decibels(power, relative_by_orientation(real.spectrum)[1])
    worst = int(np.argmax(np.abs(ratio)))
    much = "much" if ratio[worst] > 0 else "little"
    return f"too {much} noise at {degrees[worst]:.0f} degrees: {ratio[worst]:+.1f} dB"


def autocorrelation(profile: Profile, real: Profile) -> str:
    """Say whether the grain is too fine or too coarse."""
    own, true = profile.neighbour_correlation, real.neighbour_correlation
    grain = "fine-grained" if own < true else "coarse-grained"
    return f"noise too {grain}: correlation of neighbouring pixels {_against(own, true)}"


def covariance(profile: Profile, real: Profile) -> str:
    """Name the larger difference: the strength, or the correlation of the channels."""
    strength = max(profile.std, real.std) / max(min(profile.std, real.std), 1e-6) - 1
    if strength > abs(profile.channel_correlation - real.channel_correlation):
        return f"noise too {_weak(profile.std, real.std)}: std {_against(profile.std, real.std)} (8-bit)"
    colourful = "colourful" if profile.channel_correlation < real.channel_correlation else "grey"
    return (
        f"noise too {colourful}: correlation of the channels "
        f"{_against(profile.channel_correlation, real.channel_correlation)}"
    )


def noise_level(profile: Profile, real: Profile) -> str:
    """Name the brightness at which the strength differs most."""
    own, true = (_std_by_brightness(found.noise_level) for found in (profile, real))
    gap = np.abs(np.log(np.maximum(own, 0.1) / np.maximum(true, 0.1)))
    if not np.isfinite(gap).any():
        return "the two sets share no brightness at which their noise could be compared"
    worst = int(np.nanargmax(gap))
    brightness = np.nanmean(real.noise_level.brightness[worst])
    weak = _weak(own[worst], true[worst])
    return f"noise too {weak} at brightness {brightness:.0f}: std {_against(own[worst], true[worst])} (8-bit)"


def kurtosis(profile: Profile, real: Profile) -> str:
    """Say whether extreme values are too frequent or too rare."""
    rare = "rare" if profile.kurtosis < real.kurtosis else "frequent"
    return f"extreme values too {rare}: excess kurtosis {_against(profile.kurtosis, real.kurtosis)}"


def blockiness(profile: Profile, real: Profile) -> str:
    """Say how much stronger the steps across JPEG's grid are than others."""
    weak = _weak(profile.blockiness, real.blockiness)
    return (
        f"JPEG grid too {weak}: steps across it {100 * profile.blockiness:+.0f} % "
        f"against {100 * real.blockiness:+.0f} %"
    )


def patch_distance(distances: Sequence[float]) -> str:
    """Name the pyramid level that differs most; `distances` run from fine to coarse."""
    worst = int(np.argmax(distances))
    detail = ("fine", "medium", "coarse")[worst]
    return f"patches differ most in {detail} detail: by {distances[worst]:.2f} 8-bit levels"


def classifier(accuracy: float, interval: tuple[float, float]) -> str:
    """Name the accuracy with its interval, all in percent."""
    low, high = interval
    return f"a small network tells generated from real patches {accuracy:.0f} % of the time ({low:.0f} to {high:.0f})"


def residual_histogram(residuals: Sequence[np.ndarray], real: Sequence[np.ndarray]) -> str:
    """Say whether the residuals are too small or too large."""
    own, true = (_rms(found) for found in (residuals, real))
    small = "small" if own < true else "large"
    return f"residuals too {small}: std {_against(own, true)} (8-bit)"


def local_noise_level(residuals: Sequence[np.ndarray], real: Sequence[np.ndarray]) -> str:
    """Say by which factor the strength varies from place to place."""
    own, true = (_spread_of_strength(found) for found in (residuals, real))
    little = "little" if own < true else "much"
    return f"noise level varies too {little} from place to place: by a factor of {_against(own, true)}"


def local_strengths(residuals: Sequence[np.ndarray], real: Sequence[np.ndarray]) -> str:
    """Compare the typical local std."""
    own, true = (_typical_strength(found) for found in (residuals, real))
    return f"noise typically too {_weak(own, true)} in a small area: std {_against(own, true)} (8-bit)"


def residual_kurtosis(residuals: Sequence[np.ndarray], real: Sequence[np.ndarray]) -> str:
    """Compare the mean excess kurtosis of the residuals."""
    own, true = (float(np.mean([excess_kurtosis(residual) for residual in found])) for found in (residuals, real))
    return f"extreme errors too {'rare' if own < true else 'frequent'}: excess kurtosis {_against(own, true)}"


def _typical_strength(residuals: Sequence[np.ndarray]) -> float:
    """Return the median of the local stds."""
    return float(np.sqrt(np.median(np.concatenate([local_variance(residual).ravel() for residual in residuals]))))


def _rms(residuals: Sequence[np.ndarray]) -> float:
    return float(np.sqrt(np.mean([np.square(residual).mean() for residual in residuals])))


def _spread_of_strength(residuals: Sequence[np.ndarray]) -> float:
    """Return the factor by which the local std typically differs from its geometric mean."""
    spreads = [np.log(local_variance(residual) + 1.0).std() / 2 for residual in residuals]
    return float(np.exp(np.mean(spreads)))


def _against(value: float, real: float) -> str:
    return f"{value:.2f} against {real:.2f}"


def _weak(value: float, real: float) -> str:
    return "weak" if value < real else "strong"


def _decibels(power: np.ndarray, reference: np.ndarray) -> np.ndarray:
    return 10 * np.log10(np.maximum(power, MIN_POWER) / np.maximum(reference, MIN_POWER))


def _std_by_brightness(level: NoiseLevel) -> np.ndarray:
    known = np.isfinite(level.variance)
    total = np.where(known, level.variance, 0).sum(axis=1)
    return np.sqrt(np.divide(total, known.sum(axis=1), out=np.full(len(total), np.nan), where=known.any(axis=1)))
