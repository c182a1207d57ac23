"""JPEG XL: pixels, headers, colours, damage."""

import imagecodecs
import numpy as np
import pytest

from encoded_pictures import noise
from patina.errors import PictureError
from patina.imaging.decoding import decode
from patina.imaging.frames import frame_paths
from patina.imaging.jpeg_xl import _Bits, _depth_of_integers, _size, _skipped_extra_fields, inspect_jxl, jxl_exif
from patina.imaging.picture_files import picture_size, read_picture
from patina.imaging.tone_curve import linear_to_srgb
from patina.system.notes import collected

DISPLAY_P3 = "0 0 00 10 01 1001 0 01 1101 10"
"""Not sRGB, no profile, RGB, D65, P3 (11 = 9 + 2), no gamma, sRGB's curve (13 = 11 + 2), relative intent."""

LINEAR = "0 0 00 10 10 0 01 0110 10"
PQ = "0 0 00 10 10 0 01 0111 10"
"""The same with sRGB's primaries, and a curve of 8 = 6 + 2, or 16 = 14 + 2."""

GAMMA = f"0 0 00 10 10 1 {''.join(reversed(f'{4545500:024b}'))} 10"


def written(path, pixels, **options) -> bytes:
    data = imagecodecs.jpegxl_encode(pixels, lossless=True, **options)
    path.write_bytes(data)
    return data


def with_colours(data: bytes, colours: str) -> bytes:
    """Return a codestream whose header says that its colours are others than sRGB's."""
    bits = _Bits(data[2:])
    before = bits._left
    _size(bits)
    assert bits.take(1) == 0
    if has_more := bits.take(1):
        assert bits.take(3) == 0
        _skipped_extra_fields(bits)
    _depth_of_integers(bits)
    bits.take(1)
    assert bits.number((0, 0), (0, 1), (4, 2), (12, 1)) == 0
    assert bits.take(1) == 0
    place = before - bits._left
    after = has_more * "1" + "001"  # the usual intensities, no extensions, usual transform; the byte's rest is empty
    assert [bits.take(1) for _ in range(1 + len(after))] == [1, *map(int, after)]  # sRGB
    text = "".join(f"{byte:08b}"[::-1] for byte in data[2:])
    header = text[:place] + colours.replace(" ", "") + after
    header += "0" * (-len(header) % 8)
    start = 2 + -(-(place + 1 + len(after)) // 8)
    made = bytes(int(header[at : at + 8][::-1], 2) for at in range(0, len(header), 8))
    return data[:2] + made + data[start:]


@pytest.mark.parametrize(("depth", "channels"), [(8, 3), (16, 3), (8, 1), (8, 4)])
@pytest.mark.parametrize("container", [False, True])
def test_pixels_and_sizes_are_those_that_were_written(tmp_path, depth, channels, container):
    pixels = noise(depth, channels)
    written(tmp_path / "a.jxl", pixels[..., 0] if channels == 1 else pixels, usecontainer=container)
    picture = read_picture(tmp_path / "a.jxl")
    assert picture_size(tmp_path / "a.jxl") == (picture.height, picture.width) == pixels.shape[:2]
    assert picture.gray == (channels == 1)
    expected = np.broadcast_to(pixels[..., :3], (*pixels.shape[:2], 3))
    if depth == 16:  # this writer calls them linear
        expected = 65535 * linear_to_srgb(expected / 65535)
    assert np.abs(picture.pixels - expected).max() <= (24 if depth == 16 else 0)
    assert (picture.alpha is not None) == (channels == 4)


@pytest.mark.parametrize("bits", [4, 10, 12])
def test_other_depths_are_stretched(tmp_path, bits):
    pixels = noise(8 if bits < 8 else 16) % 2**bits
    pixels[0, 0] = 2**bits - 1
    written(tmp_path / "a.jxl", pixels, bitspersample=bits, photometric="rgb")
    read = decode(inspect_jxl((tmp_path / "a.jxl").read_bytes(), True), (tmp_path / "a.jxl").read_bytes())
    white = np.iinfo(read.dtype).max
    np.testing.assert_allclose(read, pixels.astype(float) * white / (2**bits - 1), atol=0.51)


def test_animations_give_their_first_image(tmp_path):
    frames = np.stack([noise(), noise()])
    written(tmp_path / "a.jxl", frames)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.jxl").pixels, frames[0])


@pytest.mark.parametrize(
    ("colours", "told"),
    [(DISPLAY_P3, "converted from Display P3 to sRGB"), (GAMMA, None), ("0 1 00", "colour profile, which cannot be")],
)
def test_colours_are_converted_or_said(tmp_path, colours, told):
    data = with_colours(written(tmp_path / "a.jxl", noise()), colours)
    plain = read_picture(tmp_path / "a.jxl").pixels
    (tmp_path / "b.jxl").write_bytes(data)
    with collected() as notes:
        if "1 00" in colours[2:6]:  # a profile would follow, which is not there: only the header counts
            assert told in inspect_jxl(data, False).colours.unknown
            return
        pixels = read_picture(tmp_path / "b.jxl").pixels
    if told is None:  # a gamma of 1 / 2.2, which stays apart from sRGB's curve by little
        assert np.abs(pixels.astype(int) - plain).max() < 12
        return
    assert notes == [told]
    assert np.abs(pixels.astype(int) - plain).max() > 20


@pytest.mark.parametrize(
    ("colours", "told"),
    [(DISPLAY_P3, "converted from Display P3 to sRGB"), (LINEAR, "converted from sRGB with a gamma of 1 to sRGB"),
     (PQ, "read as sRGB in spite of PNG colours of primaries 2 and transfer 2")],
)  # fmt: skip
def test_colours_of_an_animation_stay(tmp_path, colours, told):
    path = tmp_path / "a.jxl"
    path.write_bytes(with_colours(written(path, np.stack([noise(), noise()])), colours))
    with collected() as notes:
        pixels = [read_picture(frame).pixels for frame in frame_paths(path)]
    assert notes == [told]
    assert len(pixels) == 2
    np.testing.assert_array_equal(pixels[0], read_picture(path).pixels)


def test_damage_and_floats_are_one_line(tmp_path):
    data = written(tmp_path / "a.jxl", noise())
    for name, content, expected in (
        ("short", data[: len(data) // 2], "is truncated"),
        ("tiny", data[:3], "is truncated"),
        ("box", imagecodecs.jpegxl_encode(noise(), usecontainer=True)[:-9], "is truncated"),
        ("float", imagecodecs.jpegxl_encode(noise().astype(np.float32) / 255), "floating-point"),
    ):
        (tmp_path / f"{name}.jxl").write_bytes(content)
        with pytest.raises(PictureError, match=expected):
            read_picture(tmp_path / f"{name}.jxl")


def test_exif_of_a_container_is_found():
    plain = imagecodecs.jpegxl_encode(noise(), usecontainer=True)
    exif = b"II*\0\x08\0\0\0" + bytes(6)
    box = (12 + len(exif)).to_bytes(4, "big") + b"Exif" + bytes(4) + exif
    assert jxl_exif(plain + box) == exif
    assert jxl_exif(plain) == b""
