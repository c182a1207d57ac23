"""Damage that leaves a file's structure whole is named; no decoder's success is believed unchecked."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from encoded_pictures import RNG, encoded, noise, png_chunk, smooth
from patina.errors import PictureError
from patina.imaging.picture_files import read_picture


def png(stored: bytes) -> bytes:
    """Return an RGB PNG of 30 x 20 pixels with these compressed rows and right checksums around them."""
    size = struct.pack(">IIBBBBB", 30, 20, 8, 2, 0, 0, 0)
    chunks = png_chunk(b"IHDR", size) + png_chunk(b"IDAT", stored) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def test_png_rows_that_are_too_few_or_damaged_are_named_in_spite_of_right_checksums(tmp_path: Path) -> None:
    rows = b"".join(b"\0" + RNG.integers(0, 256, 90).astype(np.uint8).tobytes() for _ in range(20))
    stored = zlib.compress(rows)
    path = tmp_path / "a.png"
    path.write_bytes(png(stored))
    read_picture(path)
    broken = [zlib.compress(rows[:900]), stored[: len(stored) // 2], stored[:-1] + bytes([stored[-1] ^ 1])]
    for content in [*broken, zlib.compress(b"\x09" + rows[1:])]:
        path.write_bytes(png(content))
        with pytest.raises(PictureError, match=r"a\.png is a PNG that cannot be decoded \([^)]+\); save it again"):
            read_picture(path)


def test_chunks_without_pixels_are_passed_over_silently(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    data = encoded(Image.fromarray(noise()), "PNG")
    (tmp_path / "a.png").write_bytes(data[:33] + png_chunk(b"sBIT", b"\x99" * 9) + data[33:])
    assert read_picture(tmp_path / "a.png").width == noise().shape[1]
    assert capfd.readouterr().err == ""


def jpeg(**options: object) -> bytearray:
    pixels = np.random.default_rng(0).integers(0, 256, (96, 128, 3)).astype(np.uint8)
    return bytearray(encoded(Image.fromarray(pixels), "JPEG", **options))


def with_odd_scan_parameters(data: bytearray) -> bytearray:
    """Write what sequential JPEGs have no use for, as some cameras do."""
    scan = data.index(b"\xff\xda")
    end = scan + 2 + int.from_bytes(data[scan + 2 : scan + 4], "big")
    return data[: end - 3] + b"\x00\x00\x00" + data[end:]


def test_odd_scan_parameters_of_a_jpeg_are_no_damage_and_hide_none(tmp_path: Path) -> None:
    whole, path = jpeg(), tmp_path / "a.jpg"
    path.write_bytes(whole)
    expected = read_picture(path).pixels
    odd = with_odd_scan_parameters(whole)
    path.write_bytes(odd)
    np.testing.assert_array_equal(read_picture(path).pixels, expected)
    odd[len(odd) // 2 : len(odd) // 2 + 512] = bytes(512)
    path.write_bytes(odd)
    with pytest.raises(PictureError, match="is damaged inside"):
        read_picture(path)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_hole_is_named_whatever_the_colours_of_a_jpeg(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (96, 128, 3)).astype(np.uint8)).convert(mode)
    data = bytearray(encoded(image, "JPEG", **({} if mode == "L" else {"subsampling": 0})))
    data[len(data) // 2 : len(data) // 2 + 512] = bytes(512)
    (tmp_path / "a.jpg").write_bytes(data)
    with pytest.raises(PictureError, match="is damaged inside"):
        read_picture(tmp_path / "a.jpg")


def test_the_first_picture_of_an_animation_is_read(tmp_path: Path) -> None:
    first = Image.fromarray(smooth())
    for kind, options in [("PNG", {}), ("WEBP", {"lossless": True})]:
        path = tmp_path / f"moving.{kind.lower()}"
        path.write_bytes(encoded(first, kind, save_all=True, append_images=[first.rotate(180)], **options))
        np.testing.assert_array_equal(read_picture(path).pixels, smooth())
