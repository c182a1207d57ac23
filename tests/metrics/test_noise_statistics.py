import numpy as np
import pytest

from patina.metrics.noise_statistics import channel_correlation, neighbour_correlation, residual_std

RNG = np.random.default_rng(11)
WHITE = RNG.normal(0, [0.1, 0.2, 0.3], (160, 200, 3))


def test_std_is_per_channel():
    np.testing.assert_allclose(residual_std(WHITE), [0.1, 0.2, 0.3], rtol=0.02)


@pytest.mark.parametrize(("dx", "dy"), [(1, 0), (0, 1), (3, -2), (-1, -1)])
def test_white_noise_has_uncorrelated_neighbours(dx, dy):
    assert abs(neighbour_correlation(WHITE, dx, dy, 1)) < 0.02


def test_offset_points_right_and_down():
    plane = WHITE[..., 0]
    shifted = np.stack([plane + np.roll(plane, (2, 5), axis=(0, 1))], axis=-1)
    assert neighbour_correlation(shifted, 5, 2, 0) == pytest.approx(0.5, abs=0.02)
    assert neighbour_correlation(shifted, -5, -2, 0) == pytest.approx(0.5, abs=0.02)
    assert abs(neighbour_correlation(shifted, -5, 2, 0)) < 0.02
    assert abs(neighbour_correlation(shifted, 2, 5, 0)) < 0.02


def test_equals_numpy_correlation():
    plane = WHITE[..., 2] + np.linspace(0, 1, 200)
    expected = np.corrcoef(plane[:, :-1].ravel(), plane[:, 1:].ravel())[0, 1]
    assert neighbour_correlation(plane[..., None], 1, 0, 0) == pytest.approx(expected, abs=1e-12)
    expected = np.corrcoef(WHITE.reshape(-1, 3).T)
    np.testing.assert_allclose(channel_correlation(WHITE), expected, atol=1e-12)


def test_grey_noise_is_shared_by_the_channels():
    np.testing.assert_allclose(channel_correlation(WHITE[..., :1] * [1, 0.5, -2])[0], [1, 1, -1], atol=1e-12)


def test_constant_residual_has_no_correlation():
    assert np.isnan(neighbour_correlation(np.ones((4, 4, 3)), 1, 0, 0))
