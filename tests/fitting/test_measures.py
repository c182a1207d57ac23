"""Measures of a photo against known noise, edges and blocks."""

import cv2
import numpy as np
import pytest

from patina.fitting.edges import edge_measures, edge_profiles, edge_std
from patina.fitting.measures import CROP, crops_of, measure, places_of_crops
from patina.fitting.texture import texture
from sets import picture

RNG = np.random.default_rng(3)


def gray(noise: np.ndarray) -> np.ndarray:
    """Return mid grey with the same noise on all channels, float32 in grey levels."""
    return np.repeat((128 + noise)[..., None], 3, axis=2).astype(np.float32)


@pytest.mark.parametrize("std", [2.0, 10.0])
def test_every_band_of_white_noise_has_its_variance(std):
    noise = RNG.normal(0, std, (256, 256)).astype(np.float32)
    found = texture([np.stack([128 + noise, 0 * noise, 0 * noise], axis=2)])
    bands = [found[f"y.{scale}{way}.q60"] for scale in range(3) for way in "xyd"]
    assert np.exp(bands) == pytest.approx(std**2, rel=0.12)
    assert np.exp(found["y.variance"]) == pytest.approx(std**2, rel=0.06)
    assert found["y.correlation0,1"] == pytest.approx(0, abs=0.06)
    assert np.exp(found["b.variance"]) == pytest.approx(1 / 12, rel=0.01)


def test_correlations_of_noise_are_those_of_its_kernel():
    """Noise behind a Gaussian of std g has the autocorrelation exp(-d²/4g²); taking off the coarse part lowers it."""
    noise = cv2.GaussianBlur(RNG.standard_normal((512, 512)), (0, 0), 1.0)
    noise = np.float32(10 * noise / noise.std())
    found = texture([np.stack([128 + noise, 0 * noise, 0 * noise], axis=2)])
    for rows, columns in ((0, 1), (1, 0), (1, 1), (-1, 1)):
        expected = np.exp(-(rows**2 + columns**2) / 4)
        assert expected - 0.13 < found[f"y.correlation{rows},{columns}"] < expected


def test_noise_that_all_channels_share_is_correlated_between_them():
    noise = RNG.normal(0, 8, (256, 256))
    assert measure([gray(noise)])["rg"] == pytest.approx(1, abs=0.01)
    own = np.float32(128 + RNG.normal(0, 8, (256, 256, 3)))
    assert measure([own])["rg"] == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("std", [0.8, 1.5, 2.5])
@pytest.mark.parametrize("turned", [False, True])
def test_the_width_of_an_edge_is_its_blur(std, turned):
    """Straight edges that a Gaussian blurs; sampling and the median may move the result by a tenth."""
    edges = np.zeros((256, 256), np.float32)
    for left in range(32, 256, 64):
        edges[:, left : left + 32] = 200
    edges = cv2.GaussianBlur(edges, (0, 0), std)
    found = edge_measures([edges.T.copy() if turned else edges])
    assert edge_std(float(np.exp(-2 * found["edge.width2" if turned else "edge.width0"]))) == pytest.approx(
        std, rel=0.12
    )
    profiles, angles = edge_profiles([edges])
    assert len(profiles) > 100
    assert np.all(np.minimum(angles, 180 - angles) < 5)


def test_sharpening_overshoots():
    edges = np.zeros((256, 256), np.float32)
    for left in range(32, 256, 64):
        edges[:, left : left + 32] = 150
    soft = cv2.GaussianBlur(50 + edges, (0, 0), 1.0)
    sharp = soft + 0.8 * (soft - cv2.GaussianBlur(soft, (0, 0), 1.5))
    assert edge_measures([soft])["edge.over"] == pytest.approx(0, abs=0.02)
    assert edge_measures([sharp])["edge.over"] > 0.04


def test_blocks_of_jpeg_are_seen_where_they_begin():
    pixels = cv2.GaussianBlur(picture(0, 256, 256), (0, 0), 2.0)
    _, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 20])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    plain, coded = (measure([item.astype(np.float32)]) for item in (pixels, decoded))
    assert coded["y.blocks_x"] > plain["y.blocks_x"] + 0.2
    moved = measure([decoded[:, 3:].astype(np.float32)])
    assert moved["y.shifted_blocks_x"] > moved["y.blocks_x"]


def test_a_photo_of_any_kind_gives_the_same_finite_measures():
    names = None
    for pixels in (
        picture(0, 64, 300),
        np.full((80, 80, 3), 7, np.uint8),
        picture(1, 700, 900).astype(np.uint16) * 257,
    ):
        found = measure(crops_of(pixels))
        assert np.isfinite(list(found.values())).all()
        assert names in (None, list(found))
        names = list(found)
    deep, flat = measure(crops_of(picture(2).astype(np.uint16) * 257)), measure(crops_of(picture(2)))
    assert deep == pytest.approx(flat, abs=1e-3)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (256, 256), (257, 100), (3000, 2000)])
def test_crops_lie_inside_and_begin_where_jpeg_blocks_do(height, width):
    for top, left in places_of_crops(height, width):
        assert top % 16 == left % 16 == 0
        assert top + min(CROP, height) <= height
        assert left + min(CROP, width) <= width
