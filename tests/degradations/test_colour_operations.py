"""Operations on colour: levels, and chroma at a lower resolution, blurred and moved."""

import cv2
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from patina.degradations.chroma import (
    MATRICES,
    ChromaBlur,
    ChromaShift,
    ChromaSubsampling,
    from_luma_and_chroma,
    to_luma_and_chroma,
)
from patina.degradations.colour import Levels
from patina.errors import ConfigError
from patina.imaging.recompress import jpeg
from patina.imaging.value_spaces import to_values
from small_recipes import photo, recipe


def muted(height: int = 40, width: int = 48) -> np.ndarray:
    """Return colours so weak that no change of chroma leaves the gamut."""
    return 0.35 + 0.3 * photo(height, width)


def test_levels_are_stretched_cut_off_bent_and_compressed():
    values = np.array([[[0, 20, 30], [120, 220, 255]]], np.float32) / 255
    drawn = {"black": 20.0, "white": 220.0, "gamma": 2.0, "output_black": 10.0, "output_white": 210.0}
    np.testing.assert_allclose(
        255 * Levels.apply(values, drawn, 0), [[[10, 10, 10.5], [60, 210, 210]]], rtol=0, atol=1e-4
    )


def test_levels_that_cross_are_refused():
    with pytest.raises(ConfigError, match=r"black goes up to 200, expected less than white's lowest, 150"):
        recipe({"levels": {"black": [0, 200], "white": [150, 255]}}, scale=1)


@pytest.mark.parametrize("matrix", MATRICES)
def test_luma_and_chroma_make_the_image_again(matrix):
    np.testing.assert_allclose(from_luma_and_chroma(*to_luma_and_chroma(photo(), matrix), matrix), photo(), atol=2e-6)
    primaries = np.eye(3, dtype=np.float32)[None]
    _, chroma = to_luma_and_chroma(primaries, matrix)
    assert (chroma[0, 2, 0], chroma[0, 0, 1]) == (pytest.approx(0.5), pytest.approx(0.5))
    np.testing.assert_allclose(to_luma_and_chroma(np.full((1, 1, 3), 0.3, np.float32), matrix)[1], 0, atol=1e-6)


def test_bt601_is_opencvs():
    luma, chroma = to_luma_and_chroma(photo())
    expected = cv2.cvtColor(photo(), cv2.COLOR_RGB2YCrCb)
    found = np.dstack([luma, chroma[..., 1] + 0.5, chroma[..., 0] + 0.5])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    ("subsampling", "rows", "columns"), [("4:2:2", 1, 2), ("4:2:0", 2, 2), ("4:1:1", 1, 4), ("4:1:0", 2, 4)]
)
def test_subsampling_averages_the_chroma_of_blocks_and_keeps_the_luma(subsampling, rows, columns):
    image = muted()
    drawn = {"subsampling": subsampling, "matrix": "bt709", "down": "box", "up": "nearest"}
    luma, chroma = to_luma_and_chroma(ChromaSubsampling.apply(image, drawn, 0), "bt709")
    old_luma, old = to_luma_and_chroma(image, "bt709")
    np.testing.assert_allclose(luma, old_luma, atol=1e-5)
    means = old.reshape(40 // rows, rows, 48 // columns, columns, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(chroma, means.repeat(rows, 0).repeat(columns, 1), atol=1e-5)
    assert ChromaSubsampling.apply(image, {**drawn, "subsampling": "4:4:4"}, 0) is image


def test_subsampling_is_what_jpeg_does_at_quality_100():
    pixels = np.rint(255 * muted(64, 64)).astype(np.uint8)
    drawn = {"subsampling": "4:2:0", "matrix": "bt601", "down": "box", "up": "linear"}
    found = ChromaSubsampling.apply(to_values(pixels), drawn, 0)
    np.testing.assert_allclose(found, to_values(jpeg(pixels, 100, "4:2:0")), rtol=0, atol=4 / 255)


def test_chroma_blur_is_a_gaussian_of_chroma():
    image = muted()
    luma, chroma = to_luma_and_chroma(ChromaBlur.apply(image, {"sigma": 2.0, "sigma_y": 0.0}, 0))
    old_luma, old = to_luma_and_chroma(image)
    np.testing.assert_allclose(luma, old_luma, atol=1e-5)
    np.testing.assert_allclose(chroma, gaussian_filter1d(old, 2, axis=1, truncate=4), atol=1e-4)


def test_chroma_moves_by_whole_and_half_pixels_and_the_luma_stays():
    image = muted()
    drawn = {"planes": "chroma", "x": [3.0, 0.0], "y": [0.0, -0.5]}
    luma, chroma = to_luma_and_chroma(ChromaShift.apply(image, drawn, 0))
    old_luma, old = to_luma_and_chroma(image)
    np.testing.assert_allclose(luma, old_luma, atol=1e-5)
    np.testing.assert_allclose(chroma[:, 3:, 0], old[:, :-3, 0], atol=1e-5)
    np.testing.assert_allclose(chroma[:, :3, 0], old[:, :1, 0].repeat(3, 1), atol=1e-5)
    np.testing.assert_allclose(chroma[:-1, :, 1], (old[:-1, :, 1] + old[1:, :, 1]) / 2, atol=1e-5)


def test_red_and_blue_move_and_green_stays():
    image = photo()
    found = ChromaShift.apply(image, {"planes": "red_blue", "x": [-2.0, 1.0], "y": [0.0, 1.0]}, 0)
    np.testing.assert_array_equal(found[:, :-2, 0], image[:, 2:, 0])
    np.testing.assert_array_equal(found[..., 1], image[..., 1])
    np.testing.assert_array_equal(found[1:, 1:, 2], image[:-1, :-1, 2])
