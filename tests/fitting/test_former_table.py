"""The quantisation table of an earlier JPEG compression, read off the pixels of a lossless copy."""

import numpy as np
import pytest
import skimage.data

from patina.fitting.file_compression import file_compression
from patina.fitting.former_jpeg import former_jpeg
from patina.fitting.measures import luma_of, planes_of
from patina.fitting.photo import measure_photo
from patina.imaging.compression_headers import standard_table
from patina.imaging.matlab_resize import imresize
from patina.imaging.picture_files import write_picture
from patina.imaging.recompress import jpeg, jpeg_by_tables
from patina.pipelines.photo_measurement import photo_row

CAMERA = tuple(int(1 + 5 * (row + column) / 14) for row in range(8) for column in range(8))
"""Flat, as cameras' tables are: 1 for coarse frequencies, 6 for the finest."""


def noisy(name: str, std: float) -> np.ndarray:
    small = imresize(getattr(skimage.data, name)().astype(float), 0.7)[:250, :270]
    noise = std * np.random.default_rng(0).standard_normal(small.shape)
    return np.uint8(np.rint(20 + 0.85 * small + noise).clip(0, 255))


def planes(pixels: np.ndarray) -> list[np.ndarray]:
    return [luma_of(pixels.astype(np.float32))]


@pytest.mark.parametrize("name", ["astronaut", "coffee", "rocket"])
@pytest.mark.parametrize("corner", [(0, 0), (3, 5)])
def test_a_table_of_its_own_is_found(name, corner):
    copy = jpeg_by_tables(noisy(name, 6), CAMERA, standard_table(95, chroma=True), "4:2:0")
    found = former_jpeg(planes(copy[corner[0] :, corner[1] :]))
    assert found is not None
    assert found.luma is not None
    assert found.luma[1:] == CAMERA[1:]
    assert found.grid == ((8 - corner[0]) % 8, (8 - corner[1]) % 8)
    assert found.quality == pytest.approx(97, abs=1)


def test_frequencies_without_detail_get_divisors_of_the_same_strength():
    table = standard_table(60)[:40] + standard_table(75)[40:]  # no quality's
    copy = jpeg_by_tables(noisy("coffee", 3), table, standard_table(60, chroma=True), "4:4:4")
    found = former_jpeg(planes(copy))
    assert found is not None
    assert np.abs(np.log(np.array(found.luma or standard_table(found.quality)) / table)).mean() < 0.25


@pytest.mark.parametrize("std", [0, 3, 10])
def test_neither_photos_nor_standard_tables_have_one(std):
    pixels = noisy("coffee", std)
    assert former_jpeg(planes(pixels)) is None
    for quality in (40, 60, 90):  # some divisors of 40 are above 64
        found = former_jpeg(planes(jpeg(pixels, quality)))
        assert (found.quality, found.luma) == (quality, None)


def test_the_photo_is_degraded_with_its_table_and_the_remark_says_so(tmp_path):
    copy = jpeg_by_tables(noisy("coffee", 6), CAMERA, standard_table(95, chroma=True), "4:2:0")
    write_picture(tmp_path / "a.png", copy)
    photo = measure_photo(tmp_path / "a.png", "a.png")
    [step] = photo.compression.steps
    assert tuple(step["jpeg_tables"]["luma"]) == (photo.compression.tables[0][0], *CAMERA[1:])
    assert photo_row(photo)["remark"] == "once JPEG 97 with a quantisation table of its own"
    assert file_compression(None, planes_of([noisy("coffee", 6).astype(np.float32)])).steps == []
