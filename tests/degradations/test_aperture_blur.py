"""Kernels of apertures against optics, and the triangle filter."""

import numpy as np
import pytest
from scipy.ndimage import convolve1d
from scipy.special import j0, j1

from patina.degradations import kernels
from patina.degradations.aperture_blur import AiryBlur, RingBlur, TriangleBlur
from small_recipes import photo


def distances(kernel: np.ndarray) -> np.ndarray:
    axis = np.arange(len(kernel)) - len(kernel) // 2
    return np.hypot(axis, axis[:, None])


def test_airys_pattern_has_its_dark_ring_and_its_energy():
    kernel = kernels.airy(10.0)
    row = kernel[len(kernel) // 2, len(kernel) // 2 :]
    assert row[:15].argmin() == 10
    assert row[10] < row[0] / 500
    # encircled energy of the pattern: 1 - J0² - J1², relative to that within the fifth dark ring
    whole = 1 - j0(16.4706) ** 2 - j1(16.4706) ** 2
    for radius in (5.0, 10.0, 18.0):
        x = 3.83171 * radius / 10
        expected = (1 - j0(x) ** 2 - j1(x) ** 2) / whole
        assert kernel[distances(kernel) <= radius].sum() == pytest.approx(expected, abs=0.01)


def test_a_ring_has_its_radii():
    kernel = kernels.ring(12.0, 8.0)
    where = distances(kernel)
    inside = (where < 11.4) & (where > 8.6)
    assert np.ptp(kernel[inside]) < 1e-12
    assert kernel[(where > 12.6) | (where < 7.4)].max() == 0
    assert (kernel > 0).sum() == pytest.approx(np.pi * (12.5**2 - 7.5**2), rel=0.02)
    assert 1 / kernel[inside][0] == pytest.approx(np.pi * (12**2 - 8**2), rel=0.02)  # the area


def test_a_triangle_filter_is_a_box_twice():
    np.testing.assert_allclose(kernels.triangle(2.0), np.convolve([1, 1, 1], [1, 1, 1]) / 9)
    np.testing.assert_allclose(kernels.triangle(0.5), np.array([0.5, 1.5, 0.5]) / 2.5)
    found = TriangleBlur.apply(photo(), {"radius": 1.5}, 0)
    line = np.array([0.5, 1.5, 2.5, 1.5, 0.5]) / 6.5
    np.testing.assert_allclose(found, convolve1d(convolve1d(photo(), line, 0), line, 1), atol=1e-6)


@pytest.mark.parametrize(
    ("operation", "drawn"),
    [
        (AiryBlur, lambda size: {"radius": size}),
        (RingBlur, lambda size: {"outer": size, "inner": size / 2}),
        (TriangleBlur, lambda size: {"radius": size}),
    ],
)
def test_blurs_fade_to_none_and_keep_the_light(operation, drawn):
    changes = [np.abs(operation.apply(photo(), drawn(size), 0) - photo()).max() for size in (0.0, 0.01, 0.1, 0.5, 3.0)]
    assert changes[0] == 0
    assert changes[1] < 0.01
    assert changes == sorted(changes)
    flat = np.full((9, 9, 3), 0.6, np.float32)
    np.testing.assert_allclose(operation.apply(flat, drawn(2.3), 0), 0.6, atol=1e-6)
