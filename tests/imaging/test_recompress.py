"""Compression in memory, against files of the same codec."""

import io

import numpy as np
import pytest
from PIL import Image

from patina.imaging.compression_headers import read_compression_header, standard_table
from patina.imaging.recompress import JPEG_SUBSAMPLINGS, jpeg, jpeg_by_tables
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
