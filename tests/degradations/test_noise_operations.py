"""Noises of known distribution: uniform, of chroma alone, and Perlin's."""

import numpy as np
import pytest
from scipy import stats

from patina.degradations.classical_noise import LUMA, ChromaNoise, UniformNoise
from patina.degradations.line_noise import LineNoise
from patina.degradations.perlin_noise import PerlinNoise, perlin
from patina.degradations.sensor import SensorNoise

GREY = np.full((192, 160, 3), 0.5, np.float32)


def noise_of(operation, **parameters) -> np.ndarray:
    """Return the noise on mid-grey in grey levels."""
    return 255 * (operation.apply(GREY, parameters, 3) - GREY).astype(np.float64)


def test_uniform_noise_is_uniform_within_its_amplitude():
    noise = noise_of(UniformNoise, amplitude=20.0, gray=False)
    assert stats.kstest(noise.ravel(), "uniform", (-20, 40)).pvalue > 0.01
    assert abs(np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1]) < 0.02
    gray = noise_of(UniformNoise, amplitude=20.0, gray=True)
    np.testing.assert_array_equal(gray[..., 0], gray[..., 2])


def test_chroma_noise_has_its_std_in_chroma_and_none_in_luma():
    for grain in (0.0, 2.0):
        noise = noise_of(ChromaNoise, sigma=12.0, grain=grain)
        assert np.abs(noise @ LUMA).max() < 0.05
        cb = noise @ [-0.168736, -0.331264, 0.5]
        cr = noise @ [0.5, -0.418688, -0.081312]
        assert [cb.std(), cr.std()] == pytest.approx([12, 12], rel=0.06)
        assert abs(np.corrcoef(cb.ravel(), cr.ravel())[0, 1]) < 0.1
        assert np.corrcoef(cb[:, 1:].ravel(), cb[:, :-1].ravel())[0, 1] == pytest.approx(
            np.exp(-1 / (4 * grain**2)) if grain else 0, abs=0.03
        )


def test_smeared_colour_noise_keeps_its_std_and_correlates_along_rows():
    """A Gaussian of std s gives neighbours at a distance d the correlation exp(-d² / 4 s²)."""
    shape = {"sigma": 0.5, "gain": 0.0, "curve": 0.0, "red": 0.0, "blue": 0.0, "grain": 0.0, "shared": 0.0}
    for smear in (0.0, 1.5):
        parameters = {**shape, "chroma": 20.0, "chroma_grain": 1.0, "chroma_smear": smear}
        fields = [255 * (SensorNoise.apply(GREY, parameters, key) - GREY) for key in range(6)]
        noise = np.stack(fields).astype(np.float64) @ [-0.168736, -0.331264, 0.5]
        assert noise.std() == pytest.approx(10 * np.hypot(np.hypot(0.168736, 0.331264), 0.5), rel=0.05)
        along = np.corrcoef(noise[:, :, 2:].ravel(), noise[:, :, :-2].ravel())[0, 1]
        across = np.corrcoef(noise[:, 2:].ravel(), noise[:, :-2].ravel())[0, 1]
        assert along == pytest.approx(np.exp(-1 / (1 + smear**2)), abs=0.04)
        assert across == pytest.approx(np.exp(-1), abs=0.04)


def test_line_noise_shifts_whole_rows_and_columns():
    """An additive model without interaction: the means of rows and columns explain every pixel."""
    fields = [255 * (LineNoise.apply(GREY, {"rows": 6.0, "columns": 2.0}, key) - GREY) for key in range(12)]
    noise = np.stack(fields).astype(np.float64)
    assert np.ptp(noise, axis=-1).max() == pytest.approx(0, abs=1e-4)
    rows, columns = noise[..., 0].mean(axis=2, keepdims=True), noise[..., 0].mean(axis=1, keepdims=True)
    whole = noise[..., 0].mean(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(noise[..., 0], rows + columns - whole, atol=1e-4)
    assert (rows - whole).std() == pytest.approx(6, rel=0.05)
    assert (columns - whole).std() == pytest.approx(2, rel=0.05)


@pytest.mark.parametrize("octaves", [1, 4])
def test_perlin_noise_has_its_std(octaves):
    fields = [
        PerlinNoise.apply(GREY, {"sigma": 10.0, "scale": 8.0, "octaves": octaves, "persistence": 0.7, "gray": False}, k)
        for k in range(8)
    ]
    noise = 255 * (np.array(fields, np.float64) - 0.5)
    assert noise.std() == pytest.approx(10, rel=0.03)
    assert noise.mean() == pytest.approx(0, abs=0.3)


def test_perlin_noise_is_zero_at_the_corners_of_its_cells_and_smooth_between():
    class FromTheCorner(np.random.Generator):
        """Puts a corner of the grid at the first pixel."""

        def random(self, *size):
            return super().random(*size) if size else 0.0

    field = perlin((65, 81), 16, FromTheCorner(np.random.Philox(0)))
    assert np.abs(field[::16, ::16]).max() < 1e-6
    assert field.std() == pytest.approx(1, rel=0.25)
    assert np.abs(np.diff(field, axis=0)).max() < 0.5
    steep = np.abs(np.diff(field, n=2, axis=1))  # at the edges of cells as elsewhere: the weights end flat
    assert steep[:, 15::16].max() < 2 * np.delete(steep, np.s_[15::16], axis=1).max()


def test_octaves_below_two_pixels_are_left_out():
    few, many = (
        noise_of(PerlinNoise, sigma=10.0, scale=4.0, octaves=octaves, persistence=1.0, gray=True) for octaves in (2, 5)
    )
    np.testing.assert_array_equal(few, many)
