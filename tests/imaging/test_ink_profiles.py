"""CMYK by its profile, in JPEG and TIFF; grey by its own."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from patina.imaging.picture_files import read_picture
from patina.system.notes import collected

pyvips = pytest.importorskip("pyvips")


@pytest.fixture(scope="module")
def profile() -> bytes:
    return bytes(pyvips.Operation.call("profile_load", "cmyk"))


@pytest.mark.parametrize(
    ("suffix", "options"), [(".jpg", {"quality": 100}), (".tif", {}), (".tif", {"compression": "tiff_lzw"})]
)
def test_inks_are_converted_by_their_profile(tmp_path, profile, suffix, options):
    inks = Image.new("CMYK", (24, 16), (200, 40, 10, 30))
    inks.save(tmp_path / f"a{suffix}", icc_profile=profile, **options)
    inks.save(tmp_path / f"plain{suffix}", **options)
    with collected() as notes:
        found = read_picture(tmp_path / f"a{suffix}").pixels
    assert len(notes) == 1
    assert notes[0].startswith("converted from ")
    expected = ImageCms.profileToProfile(
        inks, io.BytesIO(profile), ImageCms.createProfile("sRGB"), renderingIntent=1, outputMode="RGB"
    )
    assert np.abs(found.astype(int) - np.asarray(expected)).max() <= 3
    with collected() as notes:
        plain = read_picture(tmp_path / f"plain{suffix}").pixels
    assert notes == []
    assert np.abs(plain.astype(int) - found).max() > 15


def test_a_damaged_profile_is_said_and_left_out(tmp_path, profile):
    damaged = profile[:200] + bytes(len(profile) - 200)
    Image.new("CMYK", (24, 16), (200, 40, 10, 30)).save(tmp_path / "a.jpg", icc_profile=damaged)
    with collected() as notes:
        read_picture(tmp_path / "a.jpg")
    assert notes == ["read without the colour profile, which is damaged"]
