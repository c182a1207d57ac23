"""Truncated, damaged and foreign files are refused, each with one line that names the file."""

import errno
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from encoded_pictures import KINDS, RNG, encoded, noise, sample
from patina.errors import PatinaError, PictureError
from patina.imaging.picture_files import picture_size, read_picture
from patina.imaging.plugin_pictures import AROUND
from patina.imaging.size_limit import VARIABLE
from patina.system.notes import collected


@pytest.mark.parametrize("kind", KINDS)
def test_truncated_files_are_refused(tmp_path: Path, kind: str) -> None:
    data = sample(kind)
    path = tmp_path / "cut.png"
    path.write_bytes(data)
    read_picture(path)
    for length in sorted({1, 3, 9, 15, 30, 60, len(data) // 3, len(data) // 2, len(data) - 20, len(data) - 2}):
        path.write_bytes(data[:length])
        with pytest.raises(PictureError, match=r"cut\.png (is truncated|is not a|contains no)"):
            read_picture(path)


def error_of(read: Callable[[Path], object], path: Path) -> str | None:
    try:
        read(path)
    except PictureError as error:
        return str(error)
    return None


@pytest.mark.parametrize("kind", KINDS)
def test_no_damage_gets_anything_but_a_picture_error(tmp_path: Path, kind: str) -> None:
    data = sample(kind)
    path = tmp_path / "damaged.png"
    for _ in range(150):
        damaged = bytearray(data)
        for place in RNG.integers(0, min(len(data), 200), 3):
            damaged[place] = RNG.integers(0, 256)
        path.write_bytes(damaged)
        for read in (read_picture, picture_size):
            message = error_of(read, path)
            assert message is None or ("damaged.png" in message and "\n" not in message)


def test_a_flipped_bit_in_png_pixels_is_noticed(tmp_path: Path) -> None:
    data = bytearray(sample("PNG"))
    data[len(data) // 2] ^= 4
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(PictureError, match="is damaged inside"):
        read_picture(tmp_path / "a.png")


@pytest.mark.parametrize("progressive", [False, True])
def test_a_hole_in_jpeg_pixels_is_noticed(tmp_path: Path, progressive: bool) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (96, 128, 3)).astype(np.uint8)
    data = bytearray(encoded(Image.fromarray(pixels), "JPEG", progressive=progressive))
    data[len(data) // 2 : len(data) // 2 + 512] = bytes(512)
    (tmp_path / "a.jpg").write_bytes(data)
    with pytest.raises(PictureError, match=r"a\.jpg is damaged inside \([^)]+\); copy it again or remove it"):
        read_picture(tmp_path / "a.jpg")


@pytest.mark.parametrize(("stray", "is_whole"), [(3, True), (300, False)])
def test_a_few_stray_bytes_in_a_jpeg_are_no_damage(tmp_path: Path, stray: int, is_whole: bool) -> None:
    data = sample("JPEG")
    (tmp_path / "a.jpg").write_bytes(data[:-2] + b"\x5a" * stray + data[-2:])
    message = error_of(read_picture, tmp_path / "a.jpg")
    assert (message is None) is is_whole
    assert is_whole or re.search(r"is damaged inside \(\d+ extraneous bytes", message)


def test_a_huge_picture_is_refused(tmp_path: Path) -> None:
    data = bytearray(sample("JPEG"))
    frame = data.index(b"\xff\xc0") + 5
    data[frame : frame + 4] = b"\xff\xff\xff\xff"
    (tmp_path / "huge.jpg").write_bytes(data)
    with pytest.raises(PictureError, match=r"is 65535x65535; expected at most 268 megapixels: .*_MEGAPIXELS=4295 if"):
        read_picture(tmp_path / "huge.jpg")


def test_the_limit_of_the_size_can_be_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(sample("PNG"))
    monkeypatch.setenv(VARIABLE, "0.0001")
    with pytest.raises(PictureError, match=r"a\.png is 34x21; expected at most 0\.0001 megapixels: .*_MEGAPIXELS=1 if"):
        read_picture(path)
    assert picture_size(path) == (21, 34)
    monkeypatch.setenv(VARIABLE, "1")
    read_picture(path)
    for wrong in ("many", "0", "-3", "nan"):
        monkeypatch.setenv(VARIABLE, wrong)
        with pytest.raises(PatinaError, match=f"_MEGAPIXELS is '{wrong}'; expected a number of megapixels above 0"):
            read_picture(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.png", b"", "is an empty file"),
        ("text.jpg", b"not an image at all", "is not a PNG, JPEG"),
        ("moving.png", b"GIF89a" + bytes(40), "is damaged inside \\(a block of no kind"),
        ("still.gif", b"GIF89a" + bytes(7) + b";", "contains no image data"),
        ("film.avif", b"\0\0\0\x08ftypqt  ", "is not a PNG, JPEG"),
        ("notes.txt", b"hello", "has an unsupported suffix"),
    ],
)
def test_files_that_are_not_pictures(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(PictureError, match=message) as caught:
        read_picture(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)
    if name == "empty.png":
        with pytest.raises(PictureError, match=message):
            picture_size(tmp_path / name)


def test_float_tiff_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "float.tif"
    cv2.imwrite(str(path), noise().astype(np.float32))
    with pytest.raises(PictureError, match=r"floating-point|float32 pixels"):
        read_picture(path)


def test_missing_and_forbidden_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for read in (read_picture, picture_size):
        with pytest.raises(PictureError, match="cannot be read \\(No such file"):
            read(tmp_path / "missing.png")

    def forbidden(self: Path) -> bytes:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "read_bytes", forbidden)
    with pytest.raises(PictureError, match="Permission denied"):
        read_picture(tmp_path / "forbidden.png")


def test_decoders_keep_quiet_about_broken_files(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    data = bytearray(sample("JPEG"))
    data[-200:-190] = bytes(10)
    (tmp_path / "a.jpg").write_bytes(data)
    with suppress(PictureError):  # where the bytes fall decides whether the picture can still be read
        read_picture(tmp_path / "a.jpg")
    (tmp_path / "b.tif").write_bytes(sample("TIFF, directory last").replace(b"\x01\x03\x00\x01", b"\x01\x03\x00\x09"))
    with suppress(PictureError):
        read_picture(tmp_path / "b.tif")
    assert capfd.readouterr().err == ""


def test_a_gif_that_leaves_part_of_its_canvas_open_is_told_of(tmp_path: Path) -> None:
    data = bytearray(encoded(Image.fromarray(noise()), "GIF"))
    for width, expected in ((noise().shape[1], []), (99, [AROUND])):
        data[6:8] = width.to_bytes(2, "little")
        (tmp_path / "a.gif").write_bytes(data)
        with collected() as notes:
            assert read_picture(tmp_path / "a.gif").width == width
        assert notes == expected


def test_a_palette_of_more_colours_than_a_bmp_has_is_named(tmp_path: Path) -> None:
    data = bytearray(encoded(Image.fromarray(noise()).quantize(16), "BMP"))
    data[46:50] = (70000).to_bytes(4, "little")
    (tmp_path / "a.bmp").write_bytes(data)
    with pytest.raises(PictureError, match=r"a\.bmp is a BMP of 8 bits with 70000 colours; save it again"):
        read_picture(tmp_path / "a.bmp")
