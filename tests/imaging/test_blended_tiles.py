"""Crops, mirror padding and blended tiles."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from patina.imaging.blended_tiles import Tile, apply_tiled, plan_tiles
from patina.imaging.crop_and_pad import crop_to_multiple, reflect_pad_to_multiple


def test_crop_keeps_the_top_left() -> None:
    image = np.arange(7 * 10 * 3).reshape(7, 10, 3)
    np.testing.assert_array_equal(crop_to_multiple(image, 4), image[:4, :8])
    np.testing.assert_array_equal(crop_to_multiple(image, 1), image)
    with pytest.raises(ValueError, match="10x7"):
        crop_to_multiple(image, 8)


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 24))
def test_reflection_equals_numpy(height: int, width: int, multiple: int) -> None:
    image = np.random.default_rng(height * 100 + width).random((2, height, width), np.float32)
    padded, size = reflect_pad_to_multiple(torch.from_numpy(image), multiple)
    bottom, right = -height % multiple, -width % multiple
    np.testing.assert_array_equal(padded.numpy(), np.pad(image, ((0, 0), (0, bottom), (0, right)), "reflect"))
    assert size == (height, width)


sizes = st.integers(1, 60)


@given(sizes, sizes, st.integers(1, 5), st.integers(1, 8), st.data())
def test_plans_cover_the_picture_with_equal_tiles(
    h: int, w: int, multiple: int, factor: int, data: st.DataObject
) -> None:
    tile = multiple * factor
    overlap = data.draw(st.integers(0, tile - multiple))
    height, width = h * multiple, w * multiple
    tiles = plan_tiles(height, width, tile, overlap, multiple)
    assert {(t.height, t.width) for t in tiles} == {(min(tile, height), min(tile, width))}
    assert len(set(tiles)) == len(tiles)
    covered = np.zeros((height, width), int)
    for t in tiles:
        assert t.top % multiple == t.left % multiple == 0
        assert t.top + t.height <= height
        assert t.left + t.width <= width
        covered[t.top : t.top + t.height, t.left : t.left + t.width] += 1
    assert covered.min() >= 1
    tops = sorted({t.top for t in tiles})
    assert all(b - a <= tile - overlap for a, b in pairwise(tops))


@pytest.mark.parametrize(
    "arguments", [(0, 9, 4, 1), (9, 9, 4, 4), (9, 9, 4, -1), (8, 8, 5, 1, 2), (9, 9, 4, 0, 2), (8, 8, 4, 3, 2)]
)
def test_plans_that_cannot_be(arguments: tuple) -> None:
    with pytest.raises(ValueError):
        plan_tiles(*arguments)


def blur(pixels: torch.Tensor) -> torch.Tensor:
    """A convolution with zero padding that sees two pixels around."""
    weight = torch.arange(25.0).view(1, 1, 5, 5).expand(pixels.shape[1], 1, 5, 5) / 300
    return F.conv2d(pixels, weight, padding=2, groups=pixels.shape[1])


@settings(deadline=None, max_examples=60)
@given(sizes, sizes, st.integers(20, 40), st.integers(8, 16))
def test_tiled_equals_whole_for_a_small_receptive_field(h: int, w: int, tile: int, overlap: int) -> None:
    image = torch.rand(2, h, w, generator=torch.Generator().manual_seed(h * 64 + w))
    tiled = apply_tiled(lambda pixels, _: blur(pixels), image, tile=tile, overlap=overlap)
    torch.testing.assert_close(tiled, blur(image[None])[0], rtol=0, atol=1e-6)


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(sizes, sizes, st.integers(1, 4), st.integers(1, 6), st.integers(1, 3), st.data())
def test_identity(h: int, w: int, multiple: int, factor: int, scale: int, data: st.DataObject) -> None:
    tile = multiple * factor
    overlap = data.draw(st.integers(0, tile - multiple))
    image = torch.rand(3, h, w, generator=torch.Generator().manual_seed(1))
    seen = []

    def enlarge(pixels: torch.Tensor, window: Tile) -> torch.Tensor:
        assert pixels.shape == (1, 3, window.height, window.width)
        assert all(side % multiple == 0 for side in (window.top, window.left, window.height, window.width))
        seen.append(window)
        return pixels.repeat_interleave(scale, 2).repeat_interleave(scale, 3)

    result = apply_tiled(enlarge, image, tile=tile, overlap=overlap, multiple=multiple, scale=scale)
    expected = image.repeat_interleave(scale, 1).repeat_interleave(scale, 2)
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-6)
    assert len(seen) == len(set(seen))


def test_the_outermost_pixels_at_inner_borders_do_not_count() -> None:
    def spoil_borders(pixels: torch.Tensor, window: Tile) -> torch.Tensor:
        spoiled = pixels.clone()
        if window.left > 0:
            spoiled[..., :2] = 99
        if window.left + window.width < 48:
            spoiled[..., -2:] = 99
        return spoiled

    image = torch.rand(1, 16, 48)
    torch.testing.assert_close(apply_tiled(spoil_borders, image, tile=16, overlap=8), image, rtol=0, atol=1e-6)
    with pytest.raises(AssertionError):
        torch.testing.assert_close(apply_tiled(spoil_borders, image, tile=16, overlap=4), image)


def test_neighbours_fade_into_each_other() -> None:
    image = torch.zeros(1, 16, 28)
    result = apply_tiled(lambda pixels, window: pixels + (window.left > 0), image, tile=16, overlap=4)
    steps = result[0, 0].diff()
    assert (steps >= 0).all()
    assert steps.max() < 0.5
    assert (result[0, 0, 0], result[0, 0, -1]) == (0, 1)


def test_results_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="expected a result"):
        apply_tiled(lambda pixels, _: pixels, torch.zeros(1, 8, 8), tile=4, overlap=0, scale=2)


def test_other_channels_and_no_gradient_surprises() -> None:
    result = apply_tiled(lambda pixels, _: pixels.mean(1, keepdim=True), torch.rand(3, 30, 9), tile=8, overlap=3)
    assert result.shape == (1, 30, 9)
