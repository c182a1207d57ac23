"""What a distance is held against: other real pictures, and the best noise that anybody has without learning."""

from collections.abc import Sequence

import numpy as np
from scipy.spatial import KDTree

from patina.degradations.base import Degradation
from patina.degradations.fitted_noise import FittedGaussianNoise, FittedPoissonGaussianNoise
from patina.errors import PatinaError
from patina.fidelity.profile import quiet_noise
from patina.fidelity.samples import Shot
from patina.imaging.value_spaces import to_pixels, to_tensor
from patina.metrics.highpass import low_pass
from patina.metrics.noise_level import NoiseLevel, fit_line, noise_level
from patina.seeding import derive, numpy_rng

REAL, GAUSSIAN, POISSON_GAUSSIAN = "real against real", "Gaussian", "Poisson-Gaussian"
BLOCK = 16
"""Side of the squares of noise that are moved from one real picture to another, in pixels."""

NEAREST = 8


def halves(shots: Sequence[Shot], seed: int = 0) -> tuple[list[Shot], list[Shot]]:
    """Divide a set into two that share no picture, every scene on both sides where it has several.

    Sets of the same names are divided in the same way.

    Raises:
        PatinaError: fewer than four pictures.
    """
    if len(shots) < 4:
        raise PatinaError(f"{len(shots)} pictures are too few to be held against others; expected 4 or more")
    order = numpy_rng(seed, "halves").permutation(len(shots))
    ordered = sorted((shots[index] for index in order), key=lambda shot: shot.scene)
    return ordered[::2], ordered[1::2]


def fitted_noises(clean: Sequence[Shot], real: Sequence[Shot], *, paired: bool) -> dict[str, Degradation]:
    """Fit white noise to real pictures: of one deviation, and of a variance that is a line in the brightness.

    What is fitted is the strength above the high pass (`patina.metrics.highpass`), in which noise is compared.

    Args:
        clean, real: both sets.
        paired: whether the pictures show the same, in the same order; then the true residuals of the real set's quiet
            places are fitted, else what these have more of than those of the clean set.

    Raises:
        PatinaError: the real set is not noisier than the clean one.
    """
    level = _paired_level(clean, real) if paired else _unpaired_level(clean, real)
    known = np.isfinite(level.variance)
    weights = np.where(known, level.counts, 0)
    variance = np.sum(np.where(known, level.variance, 0) * weights, axis=0) / weights.sum(axis=0)
    if not (variance > 0).all():
        raise PatinaError(
            "the real pictures are not noisier than the clean ones; exchange the folders or choose others"
        )
    gain, floor = fit_line(level)
    return {
        GAUSSIAN: FittedGaussianNoise(np.sqrt(variance).round(4)),
        POISSON_GAUSSIAN: FittedPoissonGaussianNoise(gain.round(5), floor.round(4)),
    }


def degraded(shots: Sequence[Shot], degradation: Degradation, seed: int) -> list[Shot]:
    """Put a degradation onto pictures as it would be stored: rounded to 8 bit."""
    results = []
    for shot in shots:
        parameters = degradation.draw(numpy_rng(seed, "parameters", shot.name))
        image = to_tensor(np.uint8(shot.pixels.round().clip(0, 255)))
        noisy = degradation.apply(image, parameters, derive(seed, "yardstick", shot.name))
        results.append(Shot(shot.name, np.float32(to_pixels(noisy, np.uint8))))
    return results


def moved_residuals(clean: Sequence[Shot], real: Sequence[Shot], seed: int) -> list[np.ndarray]:
    """Give every picture the true noise of other real pictures: what is reachable where pairs are compared.

    The noise comes in squares of the other half of the set, each from one of the places whose clean picture has the
    most similar colour and contrast.

    Args:
        clean, real: true pairs in the same order, four or more.
        seed: of the choice among similar places.

    Returns:
        A residual for every picture, ``[H', W', 3]``, cut to whole squares.
    """
    residuals = {shot.name: shot.pixels - other.pixels for shot, other in zip(real, clean, strict=True)}
    half = halves(clean)
    banks = [_bank(part, residuals) for part in half]
    owner = {shot.name: side for side, part in enumerate(half) for shot in part}
    return [_moved(shot, *banks[1 - owner[shot.name]], numpy_rng(seed, "moved", shot.name)) for shot in clean]


def _paired_level(clean: Sequence[Shot], real: Sequence[Shot]) -> NoiseLevel:
    noise, light = quiet_noise(real, clean)
    level = noise_level(light, noise)
    return NoiseLevel(level.brightness, level.variance / _kept_of_white(), level.counts)


def _unpaired_level(clean: Sequence[Shot], real: Sequence[Shot]) -> NoiseLevel:
    """Return the variance that real quiet places have more than clean ones, undone for what the high pass takes."""
    levels = [noise_level(light, noise) for noise, light in (quiet_noise(clean), quiet_noise(real))]
    own = levels[0].variance
    own = np.where(np.isfinite(own), own, np.nanmedian(own, axis=0))
    variance = (levels[1].variance - own).clip(0) / _kept_of_white()
    return NoiseLevel(levels[1].brightness, variance, levels[1].counts)


def _kept_of_white() -> float:
    """Return the share of white noise's variance that the high pass keeps."""
    impulse = np.zeros((65, 65, 1))
    impulse[32, 32] = 1
    return float(np.square(impulse - low_pass(impulse)).sum())


def _bank(shots: Sequence[Shot], residuals: dict[str, np.ndarray]) -> tuple[KDTree, np.ndarray]:
    """Return the places of `shots` by what is clean there, and their noise."""
    features = np.concatenate([_features(shot) for shot in shots])
    noise = np.concatenate([_squares(residuals[shot.name]) for shot in shots])
    return KDTree(features), noise


def _features(shot: Shot) -> np.ndarray:
    """Return colour and contrast of every square of a clean picture, ``[N, 4]``; contrast counts most."""
    squares = _squares(shot.pixels)
    return np.column_stack([squares.mean(axis=(1, 2)), 4 * squares.std(axis=(1, 2)).mean(axis=1)])


def _squares(pixels: np.ndarray) -> np.ndarray:
    rows, columns = (length // BLOCK for length in pixels.shape[:2])
    cut = pixels[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK, -1)
    return cut.swapaxes(1, 2).reshape(rows * columns, BLOCK, BLOCK, -1)


def _moved(shot: Shot, places: KDTree, noise: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    features = _features(shot)
    count = min(NEAREST, len(noise))
    _, similar = places.query(features, k=np.arange(1, count + 1))
    chosen = noise[similar[np.arange(len(features)), rng.integers(0, count, len(features))]]
    rows, columns = (length // BLOCK for length in shot.pixels.shape[:2])
    tiled = chosen.reshape(rows, columns, BLOCK, BLOCK, -1).swapaxes(1, 2)
    return tiled.reshape(rows * BLOCK, columns * BLOCK, -1)
