"""EXIF orientations of every format are applied."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from encoded_pictures import HEIGHT, WIDTH, encoded, noise, png_chunk, smooth
from patina.imaging.picture_files import picture_size, read_picture, write_picture


def turned_upright(image: Image.Image, orientation: int) -> Image.Image:
    """Apply the EXIF standard's table of orientations."""
    turn = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }.get(orientation)
    return image if turn is None else image.transpose(turn)


def with_orientation(kind: str, image: Image.Image, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True, "exact": True}}
    return encoded(image, kind, exif=exif, **options.get(kind, {}))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("kind", "mode"),
    [("JPEG", "RGB"), ("JPEG", "L"), ("PNG", "RGB"), ("PNG", "RGBA"), ("PNG", "P"), ("PNG", "LA"), ("WEBP", "RGB"),
     ("WEBP", "RGBA"), ("TIFF", "L"), ("TIFF", "RGB"), ("TIFF", "RGBA"), ("TIFF", "LA")],
)  # fmt: skip
def test_orientation_is_applied(tmp_path: Path, kind: str, mode: str, orientation: int) -> None:
    image = Image.fromarray(np.dstack([smooth(), smooth()[..., 1]])).convert(mode)
    path = tmp_path / f"turned.{kind.lower()}"
    path.write_bytes(with_orientation(kind, image, orientation))
    picture = read_picture(path)
    expected = np.asarray(turned_upright(image, orientation).convert("RGBA"))
    assert np.abs(picture.pixels.astype(int) - expected[..., :3]).max() <= (3 if kind == "JPEG" else 0)
    if mode.endswith("A"):
        np.testing.assert_array_equal(picture.alpha, expected[..., 3])
    assert picture_size(path) == expected.shape[:2]
    assert (expected.shape[0] > expected.shape[1]) == (orientation >= 5)


@pytest.mark.parametrize("orientation", [1, 2, 3, 6, 7, 8])
def test_orientation_of_16_bit_files(tmp_path: Path, orientation: int) -> None:
    rgb, alpha = noise(16), noise(16)[..., 0]
    plain = tmp_path / "plain.png"
    write_picture(plain, rgb, alpha)
    turned = tmp_path / "turned.png"
    data = plain.read_bytes()
    exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0" + bytes([orientation]) + b"\0\0\0" + b"\0\0\0\0"
    turned.write_bytes(data[:-12] + png_chunk(b"eXIf", exif) + data[-12:])  # behind the pixels, as some tools do
    small = Image.fromarray(np.arange(HEIGHT * WIDTH, dtype=np.int32).reshape(HEIGHT, WIDTH))
    places = np.asarray(turned_upright(small, orientation))
    picture = read_picture(turned)
    np.testing.assert_array_equal(picture.pixels, rgb.reshape(-1, 3)[places])
    np.testing.assert_array_equal(picture.alpha, alpha.reshape(-1)[places])
    assert picture_size(turned) == places.shape
