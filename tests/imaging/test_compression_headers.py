"""What files say about their compression, against the encoders that wrote them."""

import cv2
import numpy as np
import pytest
import skimage.data
from PIL import Image

from patina.imaging.compression_headers import nearest_quality, read_compression_header, standard_table
from sets import picture


@pytest.mark.parametrize("quality", [1, 10, 25, 49, 50, 75, 90, 95, 99, 100])
def test_the_quality_of_a_standard_jpeg_is_read_exactly(tmp_path, quality):
    path = tmp_path / "a.jpg"
    Image.fromarray(picture(0)).save(path, quality=quality)
    header = read_compression_header(path)
    assert (header.format, header.standard, header.tables[0]) == ("jpeg", True, standard_table(header.quality))
    assert standard_table(header.quality) == standard_table(quality)  # several qualities share the coarsest table


@pytest.mark.parametrize(("given", "name"), [(0, "4:4:4"), (1, "4:2:2"), (2, "4:2:0")])
def test_subsampling_and_scans_are_read(tmp_path, given, name):
    path = tmp_path / "a.jpg"
    Image.fromarray(picture(0)).save(path, quality=80, subsampling=given, progressive=True)
    header = read_compression_header(path)
    assert (header.subsampling, header.progressive) == (name, True)
    Image.fromarray(picture(0)).save(path, quality=80, subsampling=given)
    assert not read_compression_header(path).progressive


def test_tables_are_read_as_pillow_reads_them(tmp_path):
    path, rng = tmp_path / "a.jpg", np.random.default_rng(0)
    tables = [sorted(rng.integers(1, 200, 64).tolist()) for _ in range(2)]
    Image.fromarray(picture(0)).save(path, qtables=tables)
    header = read_compression_header(path)
    with Image.open(path) as image:
        assert header.tables == tuple(tuple(table) for table in image.quantization.values())
    assert not header.standard


def test_a_custom_table_gets_the_quality_that_is_nearest():
    scaled = tuple(max(1, round(1.1 * entry)) for entry in standard_table(60))
    assert 52 <= nearest_quality(scaled) <= 60


def test_standard_luma_with_other_chroma_is_not_standard(tmp_path):
    path, luma = tmp_path / "a.jpg", list(standard_table(80))
    Image.fromarray(picture(0)).save(path, qtables=[luma, [7] * 64])
    header = read_compression_header(path)
    assert (header.quality, header.standard, header.tables[1]) == (80, False, (7,) * 64)


def test_a_gray_jpeg_has_one_table_and_no_subsampling(tmp_path):
    path = tmp_path / "a.jpg"
    Image.fromarray(picture(0)[..., 0]).save(path, quality=70)
    header = read_compression_header(path)
    assert (len(header.tables), header.subsampling, header.quality) == (1, "", 70)


@pytest.mark.parametrize("quality", [20, 40, 60, 75, 85, 95])
def test_the_quality_of_a_webp_is_read_nearly(tmp_path, quality):
    path = tmp_path / "a.webp"
    cv2.imwrite(str(path), skimage.data.chelsea(), [cv2.IMWRITE_WEBP_QUALITY, quality])
    header = read_compression_header(path)
    assert header.format == "webp"
    assert abs(header.quality - quality) <= 10


def test_lossless_and_broken_files_say_nothing(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(picture(0)).save(path)
    assert read_compression_header(path) is None
    Image.fromarray(picture(0)).save(tmp_path / "a.jpg")
    whole = (tmp_path / "a.jpg").read_bytes()
    for length in (2, 10, 25, 60):
        (tmp_path / "b.jpg").write_bytes(whole[:length])
        assert read_compression_header(tmp_path / "b.jpg") is None
