"""Grids, fields, screens of print, dark corners and ghosts."""

import numpy as np
import pytest

from patina.degradations.base import Frame
from patina.degradations.lens_light import Ghosting, Vignette
from patina.degradations.screens import DOTS, INKS, Halftone, Interlace, Pixelate
from small_recipes import photo

ANGLES = {"cmyk": [15.0, 75.0, 0.0, 45.0], "cmy": [15.0, 75.0, 0.0], "black": [45.0]}


def printed(image: np.ndarray, **drawn) -> np.ndarray:
    inks = drawn.get("inks", "black")
    plain = {"dot_size": 8.0, "dot": "round", "inks": inks, "angles": ANGLES[inks], "strength": 1.0}
    return Halftone.apply(image, plain | drawn, 5)


def test_blocks_have_the_mean_of_their_pixels():
    found = Pixelate.apply(photo(), {"block": 4.0}, 0)
    means = photo().reshape(10, 4, 12, 4, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(found, means.repeat(4, 0).repeat(4, 1), atol=1e-6)
    np.testing.assert_array_equal(Pixelate.apply(photo(), {"block": 1.0}, 0), photo())
    broken = Pixelate.apply(photo(), {"block": 2.5}, 0)  # rows 0 to 2, 3 to 4, 5 to 7, ...
    np.testing.assert_array_equal(np.abs(np.diff(broken, axis=0)).max(axis=(1, 2))[:7] > 0, [0, 0, 1, 0, 1, 0, 0])


def test_odd_lines_move():
    found = Interlace.apply(photo(), {"shift": 3.0}, 0)
    np.testing.assert_array_equal(found[::2], photo()[::2])
    np.testing.assert_array_equal(found[1::2, 3:], photo()[1::2, :-3])


@pytest.mark.parametrize("dot", DOTS)
@pytest.mark.parametrize("side", [3.3, 9.0])
def test_a_screen_keeps_the_tone(dot, side):
    for tone in (0.0, 0.03, 0.25, 0.5, 0.9, 1.0):
        flat = np.full((160, 160, 3), tone, np.float32)
        found = printed(flat, dot=dot, dot_size=side)
        assert found.mean() == pytest.approx(tone, abs=0.015)
        if tone in (0, 1):
            np.testing.assert_allclose(found, tone, atol=2e-6)


@pytest.mark.parametrize("inks", INKS)
def test_colours_are_mixed_from_inks(inks):
    colour = np.array([0.8, 0.5, 0.3], np.float32)
    found = printed(np.broadcast_to(colour, (240, 240, 3)), inks=inks)
    expected = colour if inks != "black" else np.full(3, colour @ [0.299, 0.587, 0.114])
    np.testing.assert_allclose(found.mean(axis=(0, 1)), expected, atol=0.02)
    assert (found.std(axis=(0, 1)) > 0.25).all()


def test_dots_repeat_at_their_distance_and_lines_along_their_angle():
    flat = np.full((96, 96, 3), 0.6, np.float32)
    dots = printed(flat, angles=[0.0])
    np.testing.assert_allclose(dots[:, 8:], dots[:, :-8], atol=1e-3)
    np.testing.assert_allclose(dots[8:], dots[:-8], atol=1e-3)
    lines = printed(flat, dot="line", angles=[0.0])
    np.testing.assert_array_equal(lines[:, 1:], lines[:, :-1])
    assert (lines.max(axis=0) == 1).all()
    assert (lines.min(axis=0) == 0).all()
    turned = printed(flat, dot="line", angles=[90.0])
    np.testing.assert_allclose(turned[1:], turned[:-1], atol=1e-3)


def test_every_ink_may_have_its_own_dot():
    block = Halftone(dot_size=(3, 9), dot={"round": 1, "line": 1}, per_ink=1)
    drawn = block.draw(np.random.default_rng(1), Frame((40, 48), (40, 48), (40, 48)))
    assert len(drawn["dot_size"]) == len(drawn["dot"]) == 4
    own = printed(photo(), inks="cmyk", dot_size=[8.0] * 4, dot=["round"] * 4)
    np.testing.assert_array_equal(own, printed(photo(), inks="cmyk"))
    coarse = printed(photo(), inks="cmyk", dot_size=[20.0, 8.0, 8.0, 8.0])
    changed = np.abs(coarse - own).max(axis=(0, 1))
    assert changed[0] > 0.1  # cyan takes red away, and nothing else
    assert changed[1:].max() == 0


def test_half_a_print_is_half_the_change():
    half, whole = (printed(photo(), inks="cmyk", strength=strength) for strength in (0.5, 1.0))
    np.testing.assert_allclose(half, (photo() + whole) / 2, atol=1e-6)


def test_corners_lose_their_light_by_the_distance():
    white = np.ones((41, 81, 3), np.float32)
    found = Vignette.apply(white, {"strength": 0.6, "power": 4.0}, 0)
    assert found[0, 0, 0] == pytest.approx(0.4)
    assert found[20, 40, 1] == pytest.approx(1)
    assert found[20, 0, 2] == pytest.approx(1 - 0.6 * (40**2 / (40**2 + 20**2)) ** 2)


def test_a_ghost_is_a_part_of_the_image_beside_it():
    image = np.zeros((9, 12, 3), np.float32)
    image[4, 5] = 1
    found = Ghosting.apply(image, {"x": 3.0, "y": -1.0, "strength": 0.25}, 0)
    assert (found[4, 5, 0], found[3, 8, 0]) == (0.75, 0.25)
    assert found.sum() == pytest.approx(3)
