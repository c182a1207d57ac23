"""imresize against the stored results of two public MATLAB-compatible implementations."""

import numpy as np
import pytest

from golden_numbers import golden_arrays
from patina.imaging.matlab_resize import imresize

GOLDEN = golden_arrays("imresize")
SCALES = {"1_2": 1 / 2, "1_4": 1 / 4, "1_8": 1 / 8, "1_16": 1 / 16, "0.37": 0.37, "2": 2.0}
RESULTS = sorted(key for key in GOLDEN if key.startswith(("deflow_", "basicsr_")))


def call(key: str) -> np.ndarray:
    """Run imresize as the name of a stored result says."""
    antialias = "_noaa_" not in key
    _, dtype, image, target = key.replace("_noaa", "").split("_", 3)
    pixels = GOLDEN[f"in_{image}"]
    if dtype != "u8":
        pixels = (pixels / 255).astype({"f64": np.float64, "f32": np.float32}[dtype])
    if target.startswith("to"):
        height, width = map(int, target[2:].split("x"))
        return imresize(pixels, size=(height, width), antialias=antialias)
    return imresize(pixels, SCALES[target[1:]], antialias=antialias)


@pytest.mark.parametrize("key", RESULTS)
def test_equals_the_stored_result(key: str) -> None:
    result = call(key)
    assert result.dtype == GOLDEN[key].dtype
    if result.dtype == np.uint8:
        np.testing.assert_array_equal(result, GOLDEN[key])
    else:
        # The float32 reference computes its positions in float32 too: its own error is 1.8e-6.
        atol = 1e-12 if result.dtype == np.float64 else 3e-6
        np.testing.assert_allclose(result, GOLDEN[key], rtol=0, atol=atol)


def test_all_kinds_of_stored_results_were_compared() -> None:
    assert len(RESULTS) >= 40
    assert {key.split("_")[1] for key in RESULTS} == {"f64", "f32", "u8", "noaa"}


def test_float32_is_rounded_only_once() -> None:
    pixels = GOLDEN["in_noise"].astype(np.float32)
    np.testing.assert_array_equal(imresize(pixels, 0.37), imresize(pixels.astype(np.float64), 0.37).astype(np.float32))


def test_16_bit_pictures_keep_their_depth() -> None:
    pixels = 16000 + GOLDEN["in_coffee"].astype(np.uint16) * 100  # no overshoot reaches the ends of the range
    result = imresize(pixels, 1 / 4)
    assert result.dtype == np.uint16
    assert np.abs(result - imresize(pixels.astype(np.float64), 1 / 4)).max() < 1.5
    white = imresize(np.repeat(np.array([[0], [65535]], np.uint16), 8, axis=0), 2)
    assert (white.min(), white.max()) == (0, 65535)


def test_gray_pictures_are_one_channel_of_colour_pictures() -> None:
    pixels = GOLDEN["in_noise"]
    np.testing.assert_array_equal(imresize(pixels[..., 1], 1 / 4), imresize(pixels, 1 / 4)[..., 1])


def test_axes_are_treated_alike() -> None:
    pixels = GOLDEN["in_coffee"] / 255
    turned = imresize(pixels.swapaxes(0, 1), size=(30, 70)).swapaxes(0, 1)
    np.testing.assert_allclose(imresize(pixels, size=(70, 30)), turned, rtol=0, atol=1e-13)


@pytest.mark.parametrize("divisor", [3, 7, 49, 98, 103, 107])
def test_multiples_of_the_divisor_give_whole_sizes(divisor: int) -> None:
    for count in (1, 2, 3, 5):
        pixels = np.zeros((count * divisor, divisor), np.uint8)
        assert imresize(pixels, 1 / divisor).shape == (count, 1)


def test_scale_one_changes_nothing() -> None:
    np.testing.assert_array_equal(imresize(GOLDEN["in_noise"], 1), GOLDEN["in_noise"])


def test_flat_pictures_stay_flat_whatever_the_size() -> None:
    for shape in [(1, 1), (2, 3), (40, 5)]:
        np.testing.assert_array_equal(imresize(np.full((*shape, 3), 77, np.uint8), size=(9, 11)), 77)


def test_the_input_is_left_alone() -> None:
    pixels = GOLDEN["in_tiny"].copy()
    imresize(pixels, 2)
    np.testing.assert_array_equal(pixels, GOLDEN["in_tiny"])


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({}, ValueError),
        ({"scale": 1, "size": (2, 2)}, ValueError),
        ({"scale": 0}, ValueError),
        ({"scale": float("inf")}, ValueError),
        ({"size": (0, 4)}, ValueError),
    ],
)
def test_bad_sizes(arguments: dict, error: type) -> None:
    with pytest.raises(error):
        imresize(np.zeros((4, 4), np.uint8), **arguments)


def test_bad_arrays() -> None:
    with pytest.raises(TypeError):
        imresize(np.zeros((4, 4), np.int32), 2)
    with pytest.raises(ValueError, match="shape"):
        imresize(np.zeros((4,), np.uint8), 2)
    with pytest.raises(ValueError, match="shape"):
        imresize(np.zeros((0, 4, 3), np.uint8), 2)
