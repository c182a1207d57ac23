"""Dithering: error diffusion against plain loops, ordered thresholds, palettes."""

import numpy as np
import pytest

from patina.imaging.dither import _DIFFUSIONS, DITHERS, quantise, reduce_to_palette
from patina.imaging.riemersma import hilbert_order
from small_recipes import photo

SUMS = {"atkinson": 6 / 8}
"""Part of the error that is diffused, where it is not all of it."""


def diffused_in_reading_order(image: np.ndarray, levels: int, dither: str) -> np.ndarray:
    """Visit the pixels row by row, as the papers do."""
    divisor, (right, *below) = _DIFFUSIONS[dither]
    taps = [(0, 1 + place, weight) for place, weight in enumerate(right)]
    taps += [(1 + d, p - len(row) // 2, weight) for d, row in enumerate(below) for p, weight in enumerate(row)]
    values = image.astype(np.float64) * (levels - 1)
    height, width = values.shape[:2]
    for row, column in np.ndindex(height, width):
        old = values[row, column].copy()
        values[row, column] = np.clip(np.floor(old + 0.5), 0, levels - 1)
        for down, across, weight in taps:
            if row + down < height and 0 <= column + across < width:
                values[row + down, column + across] += (old - values[row, column]) * weight / divisor
    return values / (levels - 1)


@pytest.mark.parametrize("dither", _DIFFUSIONS)
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (2, 3), (13, 17)])
def test_error_diffusion_is_that_in_reading_order(dither, size):
    image = np.random.default_rng(2).random((*size, 3), np.float32)
    for levels in (2, 5):
        expected = diffused_in_reading_order(image, levels, dither)
        np.testing.assert_allclose(quantise(image, levels, dither), expected, atol=1e-6)


@pytest.mark.parametrize("dither", _DIFFUSIONS)
def test_error_diffusion_keeps_the_tone(dither):
    divisor, weights = _DIFFUSIONS[dither]
    assert sum(map(sum, weights)) / divisor == SUMS.get(dither, 1)
    flat = np.full((96, 96, 3), 0.4, np.float32)
    assert quantise(flat, 2, dither).mean() == pytest.approx(0.4, abs=0.02 if dither not in SUMS else 0.1)


@pytest.mark.parametrize(("dither", "side"), [("ordered_2", 2), ("ordered_4", 4), ("ordered", 8), ("ordered_16", 16)])
def test_ordered_dithering_has_as_many_tones_as_its_matrix_has_places(dither, side):
    places = side**2
    for count in {0, 1, places // 3, places - 1, places}:
        found = quantise(np.full((32, 32, 3), count / places, np.float32), 2, dither)
        assert found.mean() == pytest.approx(count / places)
        np.testing.assert_array_equal(found[side:], found[:-side])


def test_bayers_first_matrix():
    ramp = np.full((2, 2, 3), 0.5, np.float32)
    np.testing.assert_array_equal(quantise(ramp, 2, "ordered_2")[..., 0], [[0, 1], [1, 0]])


@pytest.mark.parametrize("dither", DITHERS)
def test_a_palette_has_at_most_its_colours(dither):
    found = reduce_to_palette(photo(), 6, dither)
    assert 2 <= len(np.unique(found.reshape(-1, 3), axis=0)) <= 6
    assert np.abs(found.mean(axis=(0, 1)) - photo().mean(axis=(0, 1))).max() < 0.06


def test_an_image_of_few_colours_keeps_them():
    colours = np.array([[0, 0, 0], [255, 255, 255], [250, 20, 60], [10, 90, 200]], np.float32) / 255
    image = colours[np.random.default_rng(0).integers(0, 4, (24, 20))]
    for dither in ("none", "floyd_steinberg", "atkinson"):
        np.testing.assert_array_equal(reduce_to_palette(image, 4, dither), image)


def test_without_dither_each_pixel_gets_the_nearest_colour():
    found = reduce_to_palette(photo(), 8, "none")
    palette = np.unique(found.reshape(-1, 3), axis=0)
    distances = np.linalg.norm(photo()[:, :, None] - palette, axis=-1)
    np.testing.assert_allclose(np.linalg.norm(photo() - found, axis=-1), distances.min(axis=-1), atol=1e-6)


def test_riemersma_follows_a_hilbert_curve():
    for height, width in ((8, 8), (5, 7), (1, 3), (16, 3)):
        order = hilbert_order(height, width)
        assert sorted(order) == list(range(height * width))
    steps = np.abs(np.diff(np.divmod(hilbert_order(16, 16), 16)))
    assert (steps.sum(axis=0) == 1).all()


def test_riemersma_is_that_of_chainner():
    ramp = np.indices((8, 8)).sum(axis=0).astype(np.float32)[..., None].repeat(3, axis=2) / 14
    expected = """
        01001111 00010111 10111112 01101111 01111112 11111221 11111122 02122222
    """  # chainner_ext 0.3.10: riemersma_dither(ramp, UniformQuantization(3), 10, 0.3)
    found = quantise(ramp, 3, "riemersma", 10, 0.3)[..., 1]
    np.testing.assert_array_equal(found * 2, [[int(digit) for digit in row] for row in expected.split()])


def test_riemersma_keeps_the_tone_also_with_a_palette():
    flat = np.full((64, 64, 3), 0.4, np.float32)
    assert quantise(flat, 2, "riemersma").mean() == pytest.approx(0.4, abs=0.02)
    assert len(np.unique(reduce_to_palette(photo(), 5, "riemersma").reshape(-1, 3), axis=0)) == 5
