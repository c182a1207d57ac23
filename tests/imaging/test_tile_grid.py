"""Grids of tiles, and frames of noise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patina.imaging.tile_grid import clipped_tiles, covering_tiles, frame_with_noise

LENGTH = st.integers(1, 90)


@settings(deadline=None)  # a busy machine may take its time
@given(height=LENGTH, width=LENGTH, side=st.integers(1, 40))
def test_tiles_cover_the_picture_and_whole_tiles_cover_it_once(height, width, side):
    tiles = covering_tiles(height, width, side)
    if min(height, width) < side:
        assert not tiles
        return
    seen = np.zeros((height, width), int)
    for tile in tiles:
        assert (tile.height, tile.width) == (side, side)
        seen[tile.top : tile.top + side, tile.left : tile.left + side] += 1
    assert seen.shape == (height, width)
    assert seen.min() == 1
    whole = [tile for tile in tiles if tile.kind == "whole"]
    assert len(whole) == (height // side) * (width // side)
    assert len({(tile.row, tile.column) for tile in tiles}) == len(tiles)


@settings(deadline=None)
@given(height=LENGTH, width=LENGTH, side=st.integers(1, 40), least=st.integers(1, 20))
def test_clipped_tiles_contain_every_pixel_once(height, width, side, least):
    least = min(least, side)
    tiles, dropped = clipped_tiles(height, width, side, least)
    everything, none = clipped_tiles(height, width, side, 1)
    assert none == 0
    assert len(everything) == len(tiles) + dropped
    seen = np.zeros((height, width), int)
    for tile in everything:
        seen[tile.top : tile.top + tile.height, tile.left : tile.left + tile.width] += 1
        assert (tile.kind == "whole") == (tile.height == tile.width == side)
    assert (seen == 1).all()
    assert all(min(tile.height, tile.width) >= least for tile in tiles)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_frame_is_gaussian_noise_around_the_picture(dtype):
    peak = np.iinfo(dtype).max
    inside = np.full((20, 40, 3), peak // 3, dtype)
    square = frame_with_noise(inside, 200, np.random.default_rng(0))
    assert square.dtype == dtype
    assert (square[90:110, 80:120] == inside).all()
    frame = np.ones((200, 200), bool)
    frame[90:110, 80:120] = False
    noise = square[frame] / peak
    assert noise.mean() == pytest.approx(0.5, abs=0.01)
    # Clipping at two standard deviations reduces 0.25 a little.
    expected = np.random.default_rng(1).normal(0.5, 0.25, 100000).clip(0, 1).std()
    assert noise.std() == pytest.approx(expected, abs=0.01)
    assert abs(np.corrcoef(noise.T)[0, 1]) < 0.02
