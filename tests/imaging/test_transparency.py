"""Invisible colours leave no trace in visible ones."""

import numpy as np
import pytest

from patina.imaging.interpolation import Interpolation
from patina.imaging.interpolation_names import INTERPOLATIONS
from patina.imaging.transparency import with_hidden_filled
from patina.pipelines.upscaler import Upscaler
from patina.runs.made_by import MadeBy


def disc(side: int = 40) -> np.ndarray:
    """Return the coverage of a disc with a smooth edge, in [0, 1]."""
    rows, columns = np.mgrid[0:side, 0:side] - (side - 1) / 2
    return np.clip(side / 3 - np.hypot(rows, columns) + 0.5, 0, 1)


def on_white(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    white = np.iinfo(pixels.dtype).max
    weight = alpha[..., None] / white
    return pixels * weight + white * (1 - weight)


class Blurring:
    """Stands for a network: every output pixel depends on its neighbours."""

    scale = 2

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        return Interpolation("bilinear", 2)(pixels)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("name", [*INTERPOLATIONS, "network"])
def test_a_white_disc_on_nothing_stays_white(name: str, dtype: type) -> None:
    white = np.iinfo(dtype).max
    alpha = np.rint(disc() * white).astype(dtype)
    pixels = np.where(alpha[..., None] > 0, white, 0).astype(dtype).repeat(3, axis=2)
    enlarge = Blurring() if name == "network" else Interpolation(name, 2)
    large, large_alpha = Upscaler(enlarge, MadeBy("upscale", {})).with_alpha(pixels, alpha)
    assert large.dtype == large_alpha.dtype == dtype
    assert large.shape == (80, 80, 3)
    assert large_alpha.shape == (80, 80)
    assert np.abs(on_white(large, large_alpha) - white).max() <= white / 255


@pytest.mark.parametrize("name", INTERPOLATIONS)
def test_opaque_pictures_are_enlarged_as_without_alpha(name: str) -> None:
    pixels = np.random.default_rng(0).integers(80, 170, (20, 30, 3)).astype(np.uint8)  # no overshoot is clipped
    opaque = np.full((20, 30), 255, np.uint8)
    large, alpha = Interpolation(name, 3).with_alpha(pixels, opaque)
    assert (alpha == 255).all()
    # MATLAB's bicubic of integers rounds after both passes.
    assert np.abs(large.astype(int) - Interpolation(name, 3)(pixels)).max() <= 1


def test_hidden_pixels_take_the_colours_around_them() -> None:
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (17, 23, 3)).astype(np.uint8)
    alpha = np.zeros((17, 23), np.uint8)
    alpha[:, :9] = rng.integers(1, 256, (17, 9))
    pixels[:, :9] = (200, 100, 50)
    filled = with_hidden_filled(pixels, alpha)
    np.testing.assert_array_equal(filled, np.broadcast_to(np.array([200, 100, 50], np.uint8), filled.shape))
    np.testing.assert_array_equal(with_hidden_filled(pixels, np.zeros_like(alpha)), 0)
