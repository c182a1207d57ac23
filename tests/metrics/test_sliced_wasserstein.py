"""The sliced Wasserstein distance beside SciPy's and known distances, and the pyramid beside its own sum."""

import cv2
import numpy as np
import pytest
from scipy import stats

from patina.metrics.sliced_wasserstein import (
    laplacian_pyramid,
    projected,
    pyramid_patches,
    random_directions,
    sliced_wasserstein,
)
from sets import picture


def wasserstein(a: np.ndarray, b: np.ndarray, count: int = 256) -> float:
    """Return the distance along random directions."""
    rng = np.random.default_rng(1)
    directions = random_directions(a.shape[1], rng, count)
    return sliced_wasserstein(projected(a, directions), projected(b, directions), rng)


class TestSlicedWasserstein:
    def test_one_dimension_is_exact(self):
        rng = np.random.default_rng(0)
        a, b = rng.normal(size=(300, 1)), rng.exponential(size=(300, 1))
        expected = stats.wasserstein_distance(a[:, 0], b[:, 0])
        assert wasserstein(a, b) == pytest.approx(expected)

    def test_the_larger_set_is_subsampled(self):
        rng = np.random.default_rng(0)
        a, b = rng.normal(size=(4000, 2)), rng.normal(size=(3000, 2))
        assert wasserstein(a, b) == pytest.approx(wasserstein(a[:3000], b), abs=0.02)

    def test_a_shift_is_its_mean_projection(self):
        a = np.random.default_rng(0).normal(size=(200, 3))
        shift = np.array([3.0, 0, 0])
        measured = wasserstein(a, a + shift, 20_000)
        assert measured == pytest.approx(3 / 2, rel=0.02)  # the mean of |cos| over the sphere is 1/2

    def test_it_is_zero_for_the_same_points_in_any_order(self):
        a = np.random.default_rng(0).normal(size=(200, 3))
        assert wasserstein(a, a[::-1]) == pytest.approx(0, abs=1e-12)

    def test_the_pyramid_adds_up(self):
        pixels = picture(0, 50, 70).astype(np.float32)
        bands = laplacian_pyramid(pixels, 3)
        result = bands[2]
        for band in bands[1::-1]:
            result = cv2.pyrUp(result, dstsize=band.shape[1::-1]) + band
        np.testing.assert_allclose(result, pixels, atol=1e-3)

    def test_noise_is_in_the_finest_level(self):
        rng = np.random.default_rng(0)
        clean = picture(1, 96, 96).astype(np.float64)
        sets = [pyramid_patches(clean + rng.normal(0, sigma, clean.shape), 400, 3, rng) for sigma in (0.01, 10)]
        distances = [wasserstein(a, b) for a, b in zip(*sets, strict=True)]
        assert distances[0] > 3 > 3 * distances[2]
        assert [band.shape for band in sets[0]] == [(400, 147)] * 3
