"""Conversions between pixels and tensors."""

import numpy as np
import pytest

from patina.imaging.value_spaces import to_pixels, to_tensor


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_value_survives_the_way_to_a_tensor_and_back(dtype: type) -> None:
    values = np.arange(np.iinfo(dtype).max + 1).astype(dtype)
    pixels = np.stack([values, values[::-1], values], axis=-1).reshape(-1, 64, 3)
    tensor = to_tensor(pixels)
    assert tensor.shape == (3, len(values) // 64, 64)
    assert (tensor.min(), tensor.max()) == (0, 1)
    np.testing.assert_array_equal(to_pixels(tensor, dtype), pixels)


def test_to_pixels_clamps_and_rounds_half_to_even() -> None:
    values = to_tensor(np.zeros((1, 4, 3), np.uint8))
    values[0, 0] = values.new_tensor([-1, 2, 0.5 / 255, 1.5 / 255])
    assert to_pixels(values)[0, :, 0].tolist() == [0, 255, 0, 2]


def test_16_bit_and_8_bit_white_are_the_same_tensor() -> None:
    white = [to_tensor(np.full((1, 1, 3), np.iinfo(dtype).max, dtype)) for dtype in (np.uint8, np.uint16)]
    assert white[0].equal(white[1])
