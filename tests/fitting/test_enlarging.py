"""Photos that were enlarged, also under compression, and others that only look soft."""

import cv2
import numpy as np
import pytest

from patina.fitting.enlarging import is_enlarged
from patina.imaging.recompress import jpeg
from small_photographs import photographs

CROPS = [crop for crops in photographs().values() for crop in crops]


def resized(pixels: np.ndarray, factor: float, interpolation: int) -> np.ndarray:
    return cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=interpolation)


def enlarged_ones(change) -> int:
    """Return how many of the photographs look enlarged after a change."""
    return sum(is_enlarged([np.ascontiguousarray(change(pixels)).astype(np.float32)]) for pixels in CROPS)


@pytest.mark.parametrize(
    ("factor", "interpolation", "quality"),
    [
        (1.3, cv2.INTER_LINEAR, 90),
        (1.5, cv2.INTER_LINEAR, 90),
        (1.7, cv2.INTER_CUBIC, 90),
        (2.5, cv2.INTER_CUBIC, 80),
        (1.8, cv2.INTER_LANCZOS4, 92),
    ],
)
def test_most_enlarged_photos_are_recognised_under_compression(factor, interpolation, quality):
    assert enlarged_ones(lambda pixels: jpeg(resized(pixels, factor, interpolation), quality)) >= len(CROPS) / 3


def test_enlarged_photos_without_noise_are_recognised_by_what_is_missing():
    assert enlarged_ones(lambda pixels: resized(cv2.GaussianBlur(pixels, None, 0.7), 2, cv2.INTER_CUBIC)) >= 4


@pytest.mark.parametrize(
    "change",
    [
        lambda pixels: pixels,
        lambda pixels: jpeg(pixels, 75),
        lambda pixels: jpeg(cv2.GaussianBlur(pixels, None, 1.5), 85),
        lambda pixels: cv2.blur(pixels, (7, 1)),
        lambda pixels: jpeg(resized(pixels, 0.85, cv2.INTER_AREA), 88),
        lambda pixels: jpeg(resized(jpeg(pixels, 80), 0.6, cv2.INTER_LINEAR), 88),
        lambda pixels: cv2.medianBlur(pixels, 3),
    ],
    ids=["as it is", "compressed", "soft", "shaken", "reduced", "compressed twice", "denoised"],
)
def test_other_photos_are_not(change):
    assert enlarged_ones(change) <= 1
