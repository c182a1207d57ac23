"""Which pictures count as photos."""

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw

from patina.errors import PictureError
from patina.fitting.photo import measure_photo


def smooth_dark_photo() -> np.ndarray:
    """Return soft shapes without noise, whose neighbouring pixels are mostly equal."""
    light = cv2.resize(np.random.default_rng(0).uniform(5, 25, (6, 6, 3)), (256, 256), interpolation=cv2.INTER_CUBIC)
    return light.clip(0, 255).astype(np.uint8)


def screenshot() -> np.ndarray:
    picture = Image.new("RGB", (256, 256), "white")
    for row in range(5, 250, 24):
        ImageDraw.Draw(picture).text((10, row), "Settings, files, a line of text", fill="black")
    return np.asarray(picture)


def written(pixels: np.ndarray, path) -> np.ndarray:
    options = {"quality": 90} if path.suffix == ".jpg" else {}
    Image.fromarray(pixels).save(path, **options)
    return path


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_smooth_dark_photos_are_photos(tmp_path, suffix):
    pixels = smooth_dark_photo()
    assert (np.diff(pixels.astype(int), axis=1) == 0).all(axis=2).mean() > 0.5
    assert measure_photo(written(pixels, tmp_path / f"a{suffix}"), "a").width == 256


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_screenshots_are_set_aside(tmp_path, suffix):
    with pytest.raises(PictureError, match="looks like a screenshot or a drawing"):
        measure_photo(written(screenshot(), tmp_path / f"a{suffix}"), "a")
