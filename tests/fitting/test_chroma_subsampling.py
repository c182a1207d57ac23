"""Chroma of half the width, found in the pixels of lossless files."""

import numpy as np
import pytest
import skimage.data

from patina.fitting.chroma_subsampling import is_halved_horizontally
from patina.fitting.file_compression import FileCompression, file_compression
from patina.fitting.measures import crops_of, planes_of
from patina.imaging.matlab_resize import imresize
from patina.imaging.recompress import jpeg

NAMES = ("astronaut", "coffee", "rocket", "chelsea")


def photo(name: str, noise: float) -> np.ndarray:
    """Return a photograph at half the size, so that nothing of its own compression is left, with white noise."""
    pixels = getattr(skimage.data, name)()
    small = imresize(np.float64(pixels[: pixels.shape[0] // 2 * 2, : pixels.shape[1] // 2 * 2]), 0.5)
    noisy = small + np.random.default_rng(len(name)).normal(0, noise, small.shape)
    return np.uint8(np.clip(np.rint(noisy), 0, 255))


@pytest.mark.parametrize("name", NAMES[:3])  # the fourth is small, and its fur runs in one direction
@pytest.mark.parametrize("quality", [100, 96])
def test_it_is_found_in_noisy_photos_of_high_quality(name, quality):
    pixels = photo(name, 4)
    halved = jpeg(pixels, quality, "4:2:2")
    assert is_halved_horizontally(planes_of(crops_of(halved)))
    assert "4:2:2" in str(file_compression(None, planes_of(crops_of(halved))).steps)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("noise", [0, 4])
@pytest.mark.parametrize("compression", [None, (97, "4:4:4"), (97, "4:2:0"), (80, "4:2:0")])
def test_it_is_not_found_where_there_is_none(name, noise, compression):
    pixels = photo(name, noise)
    pixels = pixels if compression is None else jpeg(pixels, *compression)
    assert not is_halved_horizontally(planes_of(crops_of(pixels)))
    upright = np.ascontiguousarray(pixels.swapaxes(0, 1))
    assert not is_halved_horizontally(planes_of(crops_of(upright)))


def test_gray_images_have_none():
    gray = np.repeat(photo("astronaut", 4)[..., :1], 3, axis=2)
    assert file_compression(None, planes_of(crops_of(gray))) == FileCompression()
