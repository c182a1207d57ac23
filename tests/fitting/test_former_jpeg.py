"""Traces of an earlier JPEG compression: its quality, and its blocks where the picture was cropped since."""

import numpy as np
import pytest
import skimage.data

from patina.degradations.recipe import parse_recipe
from patina.fitting.family import load_family
from patina.fitting.file_compression import FileCompression
from patina.fitting.former_jpeg import FormerJpeg, former_jpeg
from patina.fitting.measures import luma_of
from patina.fitting.photo import Photo, measure_photo
from patina.fitting.sentence import sentence
from patina.imaging.compression_headers import standard_table
from patina.imaging.matlab_resize import imresize
from patina.imaging.picture_files import write_picture
from patina.imaging.recompress import jpeg
from patina.pipelines.photo_measurement import photo_row

NAMES = ("astronaut", "coffee", "rocket")


def photograph(name: str) -> np.ndarray:
    """Return a photograph without traces of JPEG, which scikit-image's own have."""
    small = imresize(getattr(skimage.data, name)().astype(float), 0.7)
    return np.uint8(np.rint(small.clip(0, 255)))[:250, :270]


def traces(pixels: np.ndarray, quality: int | None = None) -> FormerJpeg | None:
    own = () if quality is None else (quality, standard_table(quality))
    return former_jpeg([luma_of(pixels.astype(np.float32))], *own)


@pytest.mark.parametrize("name", NAMES)
def test_no_compression_and_only_one_leave_no_traces_of_another(name):
    assert traces(photograph(name)) is None
    for quality in (95, 85, 60):
        assert traces(jpeg(photograph(name), quality), quality) is None


@pytest.mark.parametrize("quality", [60, 85, 95])
@pytest.mark.parametrize("name", NAMES)
def test_a_lossless_copy_tells_quality_and_crop(name, quality):
    once = jpeg(photograph(name), quality)
    assert traces(once) == FormerJpeg(quality)
    assert traces(once[5:, 3:]) == FormerJpeg(quality, (3, 5))
    assert traces(once[:, 6:]) == FormerJpeg(quality, (0, 2))


@pytest.mark.parametrize("name", NAMES)
def test_a_finer_jpeg_tells_the_coarser_one_before(name):
    once = jpeg(photograph(name), 60)
    assert traces(jpeg(once, 95), 95) == FormerJpeg(60)
    found = traces(jpeg(once[5:, 3:], 95), 95)
    assert found is not None
    assert found.quality == pytest.approx(60, abs=2)
    assert found.grid == (3, 5)


def test_profiles_and_remarks_have_both_compressions(tmp_path):
    cropped = jpeg(photograph("coffee"), 55)[5:, 3:]
    for name in ("copy.png", "twice.jpg"):
        write_picture(tmp_path / name, cropped, quality=95)
    copy, twice = (measure_photo(tmp_path / name, name) for name in ("copy.png", "twice.jpg"))
    assert [photo_row(photo)["remark"] for photo in (copy, twice)] == ["once JPEG 55 and cropped since"] * 2
    assert copy.compression.steps == [{"jpeg": {"quality": 55}}]
    assert copy.measures["y.blocks_x"] > 0.1  # measured where the blocks are
    family = load_family("camera")
    recipe = parse_recipe(family.filled([(0.5, 0.5)] * len(family.free), twice.compression), "a recipe")
    first, last = recipe.steps[-2:]
    assert (first.quality, first.shift) == ((55, 55), (0, 7))
    assert (last.quality, last.shift) == ((95, 95), (0, 0))


def test_the_sentence_counts_photos_that_were_compressed_before():
    compressions = [FileCompression("jpeg", 95, former=FormerJpeg(quality)) for quality in (60, 75)]
    compressions.append(FileCompression("jpeg", 95))
    photos = [Photo("a.jpg", 64, 64, None, compression, 0.0, {}, False) for compression in compressions]
    told = sentence([], photos, [])
    assert "JPEG 95; 2 of 3 photos compressed before, with JPEG 60 to 75" in told
