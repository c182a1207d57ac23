"""Halos, glare, moiré, simplex noise, progressive JPEG and delayed colours."""

import cv2
import numpy as np
import pytest

from patina.degradations.base import Frame
from patina.degradations.chroma import ChromaShift, shifted, to_luma_and_chroma
from patina.degradations.compression import Jpeg
from patina.degradations.lens_light import Glare
from patina.degradations.moire import Moire
from patina.degradations.sharpening import Halo, UnsharpMask
from patina.degradations.simplex_noise import simplex
from patina.errors import ConfigError
from patina.imaging.recompress import SCANS, jpeg
from patina.imaging.tone_curve import srgb_to_linear
from patina.imaging.value_spaces import values_to_pixels
from small_recipes import photo, recipe

EDGE = np.repeat(np.where(np.arange(40) < 20, 0.3, 0.7).astype(np.float32)[None, :, None], 12, axis=0).repeat(3, axis=2)
FRAME = Frame((40, 48), (40, 48), (40, 48))


def halo(image: np.ndarray, **drawn) -> np.ndarray:
    plain = {"kind": "both", "width": 2.0, "blur": "gaussian", "amount": 2.0, "threshold": 0.0, "colour": False}
    return Halo.apply(image, plain | drawn, 0)


def test_halos_lie_on_one_side_of_an_edge_or_on_both():
    both, bright, dark = (halo(EDGE, kind=kind) - EDGE for kind in ("both", "bright", "dark"))
    np.testing.assert_allclose(bright + dark, both, atol=1e-6)
    assert bright.max() > 0.2
    assert bright.min() == dark.max() == 0 > dark.min()
    assert bright[:, :20].max() < 1e-6 > -dark[:, 20:].min()


@pytest.mark.parametrize(("kind", "amount"), [("bright", 1.7), ("white", 40.0)])
def test_halos_are_those_of_wtp_dataset_destroyer(kind, amount):
    gray = cv2.cvtColor(photo(), cv2.COLOR_RGB2GRAY)  # unsharp_gray and unsharp_halo
    detail = gray - cv2.GaussianBlur(gray, (0, 0), sigmaX=1.3, sigmaY=1.3, borderType=cv2.BORDER_REFLECT)
    added = np.maximum(detail, 0) * amount
    added = added if kind == "bright" else (added > 254 / 255).astype(np.float32)
    assert added.any()
    expected = np.clip(photo() + added[..., None], 0, 1)
    np.testing.assert_allclose(halo(photo(), kind=kind, width=1.3, amount=amount), expected, atol=2e-6)


def test_a_halo_of_every_channel_is_an_unsharp_mask():
    drawn = {"sigma": 1.3, "amount": 1.5, "threshold": 0.0, "soft_mask": False}
    expected = UnsharpMask.apply(photo(), drawn, 0)
    np.testing.assert_allclose(halo(photo(), width=1.3, amount=1.5, colour=True), expected, atol=1e-6)


def test_a_veil_keeps_the_light_and_fills_the_dark():
    image = np.zeros((61, 61, 3), np.float32)
    image[28:33, 28:33] = 1
    found = Glare.apply(image, {"kind": "veil", "strength": 0.3, "spread": 0.1}, 0)
    assert srgb_to_linear(found).sum() == pytest.approx(image.sum(), rel=0.02)
    assert found[30, 20, 0] > found[30, 5, 0] > 0
    flat = np.full((40, 30, 3), 0.4, np.float32)
    np.testing.assert_allclose(Glare.apply(flat, {"kind": "veil", "strength": 0.9, "spread": 1.0}, 0), flat, atol=1e-5)


def test_a_lamp_is_brightest_at_its_place_and_half_as_bright_at_its_width():
    found = Glare.apply(np.zeros((61, 81, 3), np.float32), {
        "kind": "lamp", "strength": 0.8, "spread": 0.1, "x": 0.25, "y": 0.5
    }, 0)  # fmt: skip
    light = srgb_to_linear(found)[..., 1]
    assert np.unravel_index(light.argmax(), light.shape) == (30, 20)
    assert light.max() == pytest.approx(0.8, abs=1e-5)
    reach = round(0.1 * float(np.hypot(61, 81)))
    assert light[30, 20 + reach] == pytest.approx(0.4, abs=0.02)


def moire(image: np.ndarray, **drawn) -> np.ndarray:
    return Moire.apply(image, {"pitch": 2.05, "angle": 0.0, "strength": 1.0, "blur": 0.2} | drawn, 3)


def test_moire_is_broad_waves_whose_length_follows_from_both_grids():
    flat = np.full((64, 160, 3), 0.4, np.float32)
    light = srgb_to_linear(moire(flat))[..., 1]
    waves = np.abs(np.fft.rfft(light.mean(axis=0) - light.mean()))
    assert waves[:20].argmax() == round(160 * abs(1 / 2.05 - 1 / 2))  # green is sampled every second pixel
    turned = moire(flat, angle=5.0)
    assert turned.std(axis=0).max() > 0.02
    assert np.ptp(turned, axis=2).max() > 0.05  # and coloured


def test_moire_needs_a_display_that_is_in_focus():
    np.testing.assert_allclose(moire(photo(), strength=0.0), photo(), atol=1e-5)
    np.testing.assert_allclose(moire(photo(), blur=5.0), photo(), atol=1e-5)
    assert np.abs(moire(np.zeros((9, 9, 3), np.float32))).max() == 0


def test_simplex_noise_has_the_promised_std_and_no_seams():
    fields = np.stack([simplex((120, 90), 9.0, np.random.default_rng(seed)) for seed in range(12)])
    assert fields.std() == pytest.approx(1, abs=0.05)
    assert abs(fields.mean()) < 0.05
    large = simplex((300, 300), 90.0, np.random.default_rng(0))
    assert max(np.abs(np.diff(large, axis=axis)).max() for axis in (0, 1)) < 0.15
    assert np.ptp(large) > 2


def test_scans_of_a_progressive_jpeg_arrive_one_by_one():
    pixels = values_to_pixels(photo())
    whole = jpeg(pixels, 40)
    np.testing.assert_array_equal(jpeg(pixels, 40, scans=SCANS), whole)
    worse = [np.abs(jpeg(pixels, 40, scans=scans).astype(int) - whole).mean() for scans in (1, 5, 9, 10)]
    assert worse == sorted(worse, reverse=True)
    assert worse[-1] == 0 < worse[-2]
    often = Jpeg(quality=(5, 9), progressive=0.5, scans=(2, 3))
    drawn = [often.draw(np.random.default_rng(seed), FRAME).get("scans") for seed in range(40)]
    assert set(drawn) == {None, 2, 3}
    with pytest.raises(ConfigError, match="codec torch has no scans"):
        recipe({"jpeg": {"quality": 50, "codec": "torch", "progressive": 1}}, scale=1)


def test_delayed_colours_come_late_together():
    block = ChromaShift(x=(1, 4), planes={"delay": 1.0})
    drawn = block.draw(np.random.default_rng(0), FRAME)
    assert drawn["x"][0] == drawn["x"][1] > 1
    found = ChromaShift.apply(photo() * 0.5 + 0.25, drawn, 0)
    luma, chroma = to_luma_and_chroma(photo() * 0.5 + 0.25)
    luma_after, chroma_after = to_luma_and_chroma(found)
    inside = np.ptp(found, axis=2) < 0.4  # colours that are not clipped
    np.testing.assert_allclose(chroma_after[inside], shifted(chroma, 0, drawn["x"][0])[inside], atol=0.02)
    assert np.abs(luma_after - luma)[inside].max() < 0.02
