"""Conversions between pixels and tensors."""

import numpy as np
import pytest
import torch

from patina.imaging.value_spaces import NotFinitePixels, infinity_as_nan, to_pixels, to_tensor, values_to_pixels


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


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [(0, 0), (3, 5), (199, 299)])
@pytest.mark.parametrize("layout", ["pixels", "gray", "tensor"])
def test_values_that_are_not_finite_never_become_pixels(bad: float, place: tuple[int, int], layout: str) -> None:
    values = np.full((200, 300, 3), 0.5, np.float32)
    values[place] = bad
    count, total = (1, 200 * 300) if layout == "gray" else (3, 200 * 300 * 3)
    expected = rf"^{count} of {total} .* at row {place[0]}, column {place[1]}$"
    given = {"pixels": values, "gray": values[..., 0], "tensor": torch.from_numpy(values.transpose(2, 0, 1).copy())}
    convert = to_pixels if layout == "tensor" else values_to_pixels
    with pytest.raises(NotFinitePixels, match=expected):
        convert(given[layout])


def test_large_values_are_finite_and_white() -> None:
    values = np.full((300, 300, 3), np.finfo(np.float32).max, np.float32)
    assert (values_to_pixels(values) == 255).all()
    assert (values_to_pixels(-values) == 0).all()


@pytest.mark.parametrize("shape", [(0, 5, 3), (1, 1), (700, 300, 3), (1, 100_000, 3)])
def test_every_shape_is_converted_as_a_whole(shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).uniform(-0.2, 1.2, shape).astype(np.float32)
    expected = np.rint(values.clip(0, 1) * np.float32(65535)).astype(np.uint16)
    np.testing.assert_array_equal(values_to_pixels(values, np.uint16), expected)


def test_infinity_survives_clamping_as_nan() -> None:
    clamped = infinity_as_nan(torch.tensor([0.5, np.inf, -np.inf, 2.0])).clamp(0, 1)
    assert clamped.isnan().tolist() == [False, True, True, False]
    assert clamped[[0, 3]].tolist() == [0.5, 1.0]
