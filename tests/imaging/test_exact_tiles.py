"""Windows whose inner parts make up the picture."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from patina.imaging.blended_tiles import Tile
from patina.imaging.exact_tiles import apply_exact_tiles

sizes = st.integers(1, 70)


def blur(pixels: torch.Tensor, radius: int) -> torch.Tensor:
    """Zero-padded mean over a square, as a convolution sees the picture's edge."""
    return F.avg_pool2d(pixels, 2 * radius + 1, stride=1, padding=radius)


@pytest.mark.slow
@settings(deadline=None)
@given(sizes, sizes, st.integers(0, 4), st.integers(1, 9), st.integers(1, 5))
def test_windows_equal_the_whole(height: int, width: int, border: int, more: int, batch: int) -> None:
    image = torch.rand(2, height, width, dtype=torch.float64)
    tile = 2 * border + more
    result = apply_exact_tiles(lambda pixels, _: blur(pixels, border), image, tile=tile, border=border, batch=batch)
    torch.testing.assert_close(result, blur(image[None], border)[0])


def test_a_border_that_is_too_narrow_shows() -> None:
    image = torch.rand(1, 40, 40)
    result = apply_exact_tiles(lambda pixels, _: blur(pixels, 4), image, tile=16, border=3)
    assert (result - blur(image[None], 4)[0]).abs().max() > 0.01


def test_all_windows_are_equal_and_come_in_batches() -> None:
    seen: list[list[Tile]] = []

    def record(pixels: torch.Tensor, windows: list[Tile]) -> torch.Tensor:
        assert pixels.shape == (len(windows), 1, 17, 19)
        seen.append(windows)
        return pixels

    apply_exact_tiles(record, torch.zeros(1, 50, 70), tile=20, border=3, batch=4)
    windows = [window for group in seen for window in group]
    assert [len(group) for group in seen[:-1]] == [4] * (len(seen) - 1)
    assert len(set(windows)) == len(windows) == 4 * 5


def test_a_tile_without_a_middle_is_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):
        apply_exact_tiles(lambda pixels, _: pixels, torch.zeros(1, 50, 50), tile=20, border=10)


@pytest.mark.parametrize(("length", "tile", "computed"), [(512, 320, 2 * 280), (320, 320, 320), (1000, 320, 4 * 286)])
def test_tiles_are_no_larger_than_their_number_requires(length, tile, computed):
    rows = []

    def function(pixels, tiles):
        rows.append(pixels.shape[-1])
        return pixels

    image = torch.rand(1, 60, length)
    assert torch.equal(apply_exact_tiles(function, image, tile=tile, border=24), image)
    assert sum(rows) == computed
