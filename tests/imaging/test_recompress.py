"""Compression in memory, against files of the same codec."""

import io

import numpy as np
import pytest
from PIL import Image, features

from patina.degradations.recipe import load_recipe
from patina.errors import PatinaError
from patina.imaging.compression_headers import read_compression_header, standard_table
from patina.imaging.recompress import JPEG_SUBSAMPLINGS, avif, jpeg, jpeg2000, jpeg_by_tables
from sets import picture

OWN = [list(np.random.default_rng(0).integers(1, 60, 64).tolist()) for _ in range(2)]


@pytest.mark.parametrize("quality", [10, 75, 95])
@pytest.mark.parametrize("subsampling", JPEG_SUBSAMPLINGS)
def test_standard_tables_give_what_the_quality_gives(quality, subsampling):
    pixels = picture(1, 40, 56)
    tables = standard_table(quality), standard_table(quality, chroma=True)
    np.testing.assert_array_equal(jpeg_by_tables(pixels, *tables, subsampling), jpeg(pixels, quality, subsampling))


def test_tables_are_row_by_row_as_headers_are_read(tmp_path):
    path, pixels = tmp_path / "a.jpg", picture(1, 40, 56)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", qtables=OWN, subsampling="4:4:4")
    path.write_bytes(file.getvalue())
    tables = read_compression_header(path).tables
    assert tables == tuple(map(tuple, OWN))
    with Image.open(path) as image:
        np.testing.assert_array_equal(jpeg_by_tables(pixels, *tables, "4:4:4"), np.asarray(image))


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((one.astype(np.float64) - other) ** 2)))


def test_better_qualities_come_closer():
    pixels = np.kron(picture(1, 24, 32), np.ones((4, 4, 1), np.uint8))
    by_avif = [psnr(avif(pixels, quality), pixels) for quality in (10, 50, 90)]
    by_ratio = [psnr(jpeg2000(pixels, ratio), pixels) for ratio in (80, 20, 5)]
    for found in (by_avif, by_ratio):
        assert found == sorted(found)
        assert found[-1] > found[0] + 5
    assert psnr(avif(pixels, 90, "4:4:4"), pixels) > by_avif[-1]


@pytest.mark.parametrize(("step", "name"), [("avif: {quality: 50}", "AVIF"), ("jpeg2000: {ratio: 20}", "JPEG 2000")])
def test_a_codec_that_pillow_lacks_is_one_line_before_the_first_image(tmp_path, monkeypatch, step, name):
    (tmp_path / "r.yml").write_text(f"scale: 1\nsteps: [{{{step}}}]\n")
    load_recipe(tmp_path / "r.yml")
    monkeypatch.setattr(features, "check", lambda feature: False)
    with pytest.raises(PatinaError, match=rf"^the installed Pillow [\d.]+ has no {name}; .*leave the operation out$"):
        load_recipe(tmp_path / "r.yml")
