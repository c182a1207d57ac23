"""The baselines of every distance: other real images, and Gaussian noise as strong as theirs, without learning."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from scipy.spatial import KDTree

from patina.degradations.base import Degradation
from patina.degradations.fitted_noise import FittedGaussianNoise, FittedPoissonGaussianNoise
from patina.errors import PatinaError
from patina.fidelity.measured_samples import MeasuredSample, quiet_noise
from patina.fidelity.samples import Sample
from patina.imaging.value_spaces import to_pixels, to_tensor
from patina.metrics.highpass import low_pass
from patina.metrics.noise_level import NoiseLevel, fit_line, noise_level
from patina.seeding import derive, numpy_rng

REAL, GAUSSIAN, POISSON_GAUSSIAN = "real against real", "Gaussian", "Poisson-Gaussian"
T = TypeVar("T", Sample, MeasuredSample)

BASELINES = (REAL, GAUSSIAN, POISSON_GAUSSIAN)

BLOCK = 16
"""Side of the blocks of noise that are transplanted from one real image to another, in pixels."""

NEAREST = 8
"""Number of similar blocks among which a donor is drawn."""


def halves(samples: Sequence[T], seed: int = 0) -> tuple[list[T], list[T]]:
    """Split a set into two halves that share no image; scenes with several images are on both sides.

    Sets with the same names are split in the same way.

    Raises:
        PatinaError: fewer than four images.
    """
    if len(samples) < 4:
        raise PatinaError(f"{len(samples)} images are too few to compare; expected 4 or more")
    shuffled = [samples[index] for index in numpy_rng(seed, "halves").permutation(len(samples))]
    scenes = list(dict.fromkeys(sample.scene for sample in shuffled))
    ordered = sorted(shuffled, key=lambda sample: scenes.index(sample.scene))
    return ordered[::2], ordered[1::2]


def fitted_noises(clean: Sequence[Sample], real: Sequence[Sample], *, paired: bool) -> dict[str, Degradation]:
    """Fit white noise to real images: Gaussian, and Poisson-Gaussian, whose variance is linear in the brightness.

    The fit matches the noise variance above the high-pass filter (`patina.metrics.highpass`), where noise is compared.

    Args:
        clean, real: both sets.
        paired: whether both sets show the same content in the same order. If so, the fit uses the residuals in the
            quiet places of the real set; otherwise, the variance that they have in excess of the clean set's. Where
            most channels have no excess, as in blurred photos, both noises are none.
    """
    level = _paired_level(clean, real) if paired else _unpaired_level(clean, real)
    known = np.isfinite(level.variance)
    weights = np.where(known, level.counts, 0)
    variance = np.sum(np.where(known, level.variance, 0) * weights, axis=0) / weights.sum(axis=0).clip(1)
    gain, floor = fit_line(level)
    if np.median(variance) <= 0:
        variance, gain, floor = np.zeros((3, *variance.shape))
    return {
        GAUSSIAN: FittedGaussianNoise(np.sqrt(variance.clip(0)).round(4)),
        POISSON_GAUSSIAN: FittedPoissonGaussianNoise(gain.round(5), floor.round(4)),
    }


def degraded(samples: Sequence[Sample], degradation: Degradation, seed: int) -> list[Sample]:
    """Apply a degradation to images and round to 8 bit, as they would be stored."""
    results = []
    for sample in samples:
        parameters = degradation.draw(numpy_rng(seed, "parameters", sample.name))
        image = to_tensor(np.uint8(sample.pixels.round().clip(0, 255)))
        # The purpose is part of the seed: another word would give other noise than published results have.
        noisy = degradation.apply(image, parameters, derive(seed, "yardstick", sample.name))
        results.append(Sample(sample.name, np.float32(to_pixels(noisy, np.uint8))))
    return results


def transplanted_residuals(clean: Sequence[Sample], real: Sequence[Sample], seed: int) -> list[np.ndarray]:
    """Give every image the real noise of other images: the best that a paired comparison can reach.

    The noise comes in blocks from the other half of the set. The donor of a block is drawn among the places whose
    clean image is most similar in colour and contrast.

    Args:
        clean, real: pairs in the same order, four or more.
        seed: seed of the draw among similar places.

    Returns:
        A residual for every image, ``[H', W', 3]``, cropped to whole blocks.
    """
    residuals = {sample.name: sample.pixels - other.pixels for sample, other in zip(real, clean, strict=True)}
    parts = halves(clean)
    banks = [_bank(part, residuals) for part in parts]
    owner = {sample.name: side for side, part in enumerate(parts) for sample in part}
    return [
        _transplanted(sample, *banks[1 - owner[sample.name]], numpy_rng(seed, "moved", sample.name)) for sample in clean
    ]


def _paired_level(clean: Sequence[Sample], real: Sequence[Sample]) -> NoiseLevel:
    noise, brightness = quiet_noise(real, clean)
    level = noise_level(brightness, noise)
    return NoiseLevel(level.brightness, level.variance / _white_noise_gain(), level.counts)


def _unpaired_level(clean: Sequence[Sample], real: Sequence[Sample]) -> NoiseLevel:
    """Return the excess variance of quiet real places over clean ones, negative where these vary more."""
    levels = [noise_level(brightness, noise) for noise, brightness in (quiet_noise(clean), quiet_noise(real))]
    own = levels[0].variance
    own = np.where(np.isfinite(own), own, np.nanmedian(own, axis=0))
    variance = (levels[1].variance - own) / _white_noise_gain()
    return NoiseLevel(levels[1].brightness, variance, levels[1].counts)


def _white_noise_gain() -> float:
    """Return the fraction of white noise's variance that passes the high-pass filter."""
    impulse = np.zeros((65, 65, 1))
    impulse[32, 32] = 1
    return float(np.square(impulse - low_pass(impulse)).sum())


def _bank(samples: Sequence[Sample], residuals: dict[str, np.ndarray]) -> tuple[KDTree, np.ndarray]:
    """Index the blocks of `samples` by their clean content; return the index and the noise of every block."""
    features = np.concatenate([_features(sample) for sample in samples])
    noise = np.concatenate([_blocks(residuals[sample.name]) for sample in samples])
    return KDTree(features), noise


def _features(sample: Sample) -> np.ndarray:
    """Return colour and contrast of every block of a clean image, ``[N, 4]``; contrast counts most."""
    blocks = _blocks(sample.pixels)
    return np.column_stack([blocks.mean(axis=(1, 2)), 4 * blocks.std(axis=(1, 2)).mean(axis=1)])


def _blocks(pixels: np.ndarray) -> np.ndarray:
    rows, columns = (length // BLOCK for length in pixels.shape[:2])
    whole = pixels[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK, -1)
    return whole.swapaxes(1, 2).reshape(rows * columns, BLOCK, BLOCK, -1)


def _transplanted(sample: Sample, index: KDTree, noise: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    features = _features(sample)
    count = min(NEAREST, len(noise))
    similar = np.asarray(index.query(features, k=np.arange(1, count + 1))[1])
    chosen = noise[similar[np.arange(len(features)), rng.integers(0, count, len(features))]]
    rows, columns = (length // BLOCK for length in sample.pixels.shape[:2])
    tiled = chosen.reshape(rows, columns, BLOCK, BLOCK, -1).swapaxes(1, 2)
    return tiled.reshape(rows * BLOCK, columns * BLOCK, -1)
