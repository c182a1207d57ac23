"""How an earlier JPEG compression subsampled chroma, from lossless copies."""

import cv2
import numpy as np
import pytest
import skimage.data

from patina.fitting.file_compression import FileCompression, file_compression
from patina.fitting.measures import crops_of, planes_of
from patina.imaging.compression_headers import standard_table
from patina.imaging.matlab_resize import imresize
from patina.imaging.recompress import jpeg, jpeg_by_tables

FLAT = (1,) * 8 + (2,) * 24 + (4,) * 32
"""No quality's table."""


def photograph(name: str, noise: float = 3) -> np.ndarray:
    small = imresize(getattr(skimage.data, name)().astype(float), 0.7)
    noisy = small + np.random.default_rng(0).normal(0, noise, small.shape)
    return np.uint8(np.rint(noisy.clip(0, 255)))


def compression(pixels: np.ndarray) -> FileCompression:
    return file_compression(None, planes_of(crops_of(pixels)))


@pytest.mark.parametrize("name", ["astronaut", "coffee", "rocket"])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize(("quality", "corner"), [(95, (0, 0)), (75, (3, 13))])
def test_the_way_is_found_also_in_cropped_copies(name, subsampling, quality, corner):
    copy = jpeg(photograph(name), quality, subsampling)[corner[0] :, corner[1] :]
    grid = tuple(-start % 8 for start in corner)
    assert compression(copy) == FileCompression("jpeg", quality, subsampling, grid=grid, seen_in_pixels=True)


def test_samples_that_a_decoder_repeats_are_found_too():
    """No library here repeats them, so the decoder's last step is done by hand."""
    full = jpeg(photograph("coffee"), 90, "4:4:4")
    ycc = cv2.cvtColor(full, cv2.COLOR_RGB2YCrCb)[:256, :256]
    chroma = [cv2.resize(plane, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for plane in cv2.split(ycc)[1:]]
    coded = [jpeg(np.dstack([plane] * 3), 90)[..., 0] for plane in chroma]  # by luma's table
    planes = [ycc[..., 0], *(np.repeat(np.repeat(plane, 2, 0), 2, 1) for plane in coded)]
    pixels = cv2.cvtColor(np.ascontiguousarray(np.dstack(planes)), cv2.COLOR_YCrCb2RGB)
    assert compression(pixels).subsampling == "4:2:0"


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2"])
def test_chroma_tells_its_own_table(subsampling):
    copy = jpeg_by_tables(photograph("coffee", 6), FLAT, FLAT, subsampling)
    found = compression(copy)
    assert found.subsampling == subsampling
    luma, chroma = (np.array(table) for table in found.tables)
    assert (luma[8:] == FLAT[8:]).mean() > 0.95
    assert (chroma[8:] == FLAT[8:]).mean() > 0.7  # fine chroma has few coefficients that are not zero


def test_gray_copies_have_the_usual_way():
    gray = np.repeat(photograph("coffee")[..., :1], 3, axis=2)
    assert compression(jpeg(gray, 80, "4:4:4")) == FileCompression("jpeg", 80, seen_in_pixels=True)
    assert standard_table(80) not in compression(jpeg(gray, 80)).tables
