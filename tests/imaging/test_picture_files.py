"""Picture files: every format, depth and transparency, in and out, and lists of folders."""

import errno
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from encoded_pictures import HEIGHT, WIDTH, encoded, noise, sample, smooth
from patina.errors import PatinaError, PictureError
from patina.imaging.picture_files import Picture, list_pictures, picture_size, read_picture, write_picture


@pytest.mark.parametrize(
    ("suffix", "depth", "channels"),
    [
        (suffix, depth, channels)
        for suffix in (".png", ".tif", ".TIFF")
        for depth in (8, 16)
        for channels in ("gray", "rgb", "rgba", "gray+alpha")
    ]
    + [(".bmp", 8, "gray"), (".bmp", 8, "rgb")],
)
def test_lossless_formats_return_what_was_written(tmp_path: Path, suffix: str, depth: int, channels: str) -> None:
    path = tmp_path / f"picture{suffix}"
    rgb = noise(depth)
    pixels = rgb[..., 0] if channels.startswith("gray") else rgb
    alpha = noise(depth)[..., 0] if channels.endswith(("rgba", "alpha")) else None
    write_picture(path, pixels, alpha)
    picture = read_picture(path)
    expected = np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels
    np.testing.assert_array_equal(picture.pixels, expected)
    assert picture.pixels.dtype == pixels.dtype
    assert picture.max_value == 2**depth - 1
    assert (picture.height, picture.width) == (HEIGHT, WIDTH) == picture_size(path)
    assert picture.gray == (channels == "gray")
    if alpha is None:
        assert picture.alpha is None
    else:
        np.testing.assert_array_equal(picture.alpha, alpha)
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("suffix", [".jpg", ".JPEG", ".webp"])
def test_lossy_formats_return_nearly_what_was_written(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"picture{suffix}"
    write_picture(path, smooth(), quality=95)
    assert np.abs(read_picture(path).pixels.astype(int) - smooth()).max() < 12
    assert picture_size(path) == (HEIGHT, WIDTH)
    best, worst = tmp_path / "best.jpg", tmp_path / "worst.jpg"
    write_picture(best, noise(), quality=100)
    write_picture(worst, noise(), quality=5)
    assert best.stat().st_size > 3 * worst.stat().st_size


def test_gray_jpeg_and_webp_alpha(tmp_path: Path) -> None:
    write_picture(tmp_path / "gray.jpg", smooth()[..., 0])
    gray = read_picture(tmp_path / "gray.jpg")
    assert gray.gray
    assert (gray.pixels[..., 0] == gray.pixels[..., 2]).all()
    alpha = noise()[..., 0]
    write_picture(tmp_path / "alpha.webp", smooth(), alpha)
    np.testing.assert_array_equal(read_picture(tmp_path / "alpha.webp").alpha, alpha)
    assert picture_size(tmp_path / "alpha.webp") == (HEIGHT, WIDTH)


MODES = ["L", "RGB", "P", "1", "LA", "RGBA"]


@pytest.mark.parametrize(
    ("kind", "mode"),
    [(kind, mode) for kind in ("PNG", "TIFF", "WEBP") for mode in MODES] + [("BMP", mode) for mode in MODES[:4]],
)
def test_files_written_by_others(tmp_path: Path, kind: str, mode: str) -> None:
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    image = Image.fromarray(noise(channels=4)).convert("RGB" if mode == "P" else mode)
    image = image.quantize(9) if mode == "P" else image
    path = tmp_path / f"picture.{kind.lower()}"
    path.write_bytes(encoded(image, kind, **options))
    picture = read_picture(path)
    reference = Image.open(path)
    np.testing.assert_array_equal(picture.pixels, np.asarray(reference.convert("RGBA"))[..., :3])
    if mode.endswith("A"):
        np.testing.assert_array_equal(picture.alpha, np.asarray(reference.convert("RGBA"))[..., 3])
    else:
        assert picture.alpha is None
    assert picture.gray == (mode in ("L", "LA", "1") and kind != "WEBP")


def test_transparent_colours_of_png(tmp_path: Path) -> None:
    path = tmp_path / "key.png"
    for mode, key in [("L", 3), ("RGB", (3, 3, 3)), ("P", 3)]:
        image = Image.fromarray(np.full((4, 5, 3), 9, np.uint8)).convert(mode)
        image.putpixel((2, 1), key)
        image.save(path, transparency=key)
        alpha = read_picture(path).alpha
        assert alpha is not None
        assert (alpha == 0).sum() == 1
        assert alpha[1, 2] == 0


def test_opaque_alpha_is_dropped_and_real_alpha_refused_on_demand(tmp_path: Path) -> None:
    path = tmp_path / "alpha.png"
    alpha = np.full((HEIGHT, WIDTH), 255, np.uint8)
    write_picture(path, noise(), alpha)
    assert read_picture(path, alpha="refuse").alpha is None
    alpha[3, 4] = 254
    write_picture(path, noise(), alpha)
    with pytest.raises(PictureError, match=r"alpha\.png is partly transparent"):
        read_picture(path, alpha="refuse")


def test_cmyk_jpeg_is_read(tmp_path: Path) -> None:
    (tmp_path / "cmyk.jpg").write_bytes(encoded(Image.fromarray(smooth()).convert("CMYK"), "JPEG", quality=95))
    assert np.abs(read_picture(tmp_path / "cmyk.jpg").pixels.astype(int) - smooth()).mean() < 8


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("options", [{"subsampling": 0}, {"subsampling": 2, "quality": 40}, {"progressive": True}])
def test_jpeg_pixels_are_those_of_opencv(tmp_path: Path, mode: str, options: dict) -> None:
    data = encoded(Image.fromarray(smooth()).convert(mode), "JPEG", **options)
    (tmp_path / "a.jpg").write_bytes(data)
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    np.testing.assert_array_equal(read_picture(tmp_path / "a.jpg").pixels, expected)


def test_a_jpeg_with_data_after_its_end_is_complete(tmp_path: Path) -> None:
    (tmp_path / "motion.jpg").write_bytes(sample("JPEG") + b"a film")
    assert read_picture(tmp_path / "motion.jpg").width == WIDTH


@pytest.mark.parametrize(
    ("name", "depth", "transparent", "message"),
    [
        ("a.jpg", 16, False, r"\.jpg cannot store 16-bit"),
        ("a.bmp", 16, False, r"\.bmp cannot store 16-bit"),
        ("a.WEBP", 16, False, r"\.webp cannot store 16-bit"),
        ("a.jpg", 8, True, r"\.jpg cannot store transparency"),
        ("a.bmp", 8, True, r"\.bmp cannot store transparency"),
        ("a.gif", 8, False, "unsupported suffix"),
        ("a.avif", 16, False, r"\.avif cannot store 16-bit"),
    ],
)
def test_what_a_format_cannot_store(tmp_path: Path, name: str, depth: int, transparent: bool, message: str) -> None:
    with pytest.raises(PictureError, match=message):
        write_picture(tmp_path / name, noise(depth), noise(depth)[..., 0] if transparent else None)
    assert os.listdir(tmp_path) == []


def test_too_many_pixels_for_webp(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="cannot store 17000x1 pixels"):
        write_picture(tmp_path / "long.webp", np.zeros((1, 17000, 3), np.uint8))


@pytest.mark.parametrize("broken", ["write", "replace"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    path = tmp_path / "a.png"
    before = noise()
    write_picture(path, before)

    def no_space(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def half_written(self: Path, data: bytes) -> None:
        with self.open("wb") as file:
            file.write(data[: len(data) // 2])
        no_space()

    if broken == "write":
        monkeypatch.setattr(Path, "write_bytes", half_written)
    else:
        monkeypatch.setattr(os, "replace", no_space)
    with pytest.raises(PatinaError, match=r"a\.png cannot be written: No space left on device"):
        write_picture(path, noise())
    assert os.listdir(tmp_path) == ["a.png"]
    np.testing.assert_array_equal(read_picture(path).pixels, before)


def test_listing(tmp_path: Path) -> None:
    for name in ("10.png", "9.JPG", "a1.tiff", ".hidden.png", ".part-9.png", "notes.txt", "b.webp"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert [path.name for path in list_pictures(tmp_path)] == ["9.JPG", "10.png", "a1.tiff", "b.webp"]


def test_subfolders_are_mentioned_once(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    for name in ("more", ".hidden"):
        (tmp_path / name).mkdir()
    with pytest.raises(PatinaError, match=r"contains no images; .*subfolders \(more, …\) were not searched: name one"):
        list_pictures(tmp_path)
    (tmp_path / "1.png").touch()
    for _ in range(2):
        list_pictures(tmp_path)
    assert capsys.readouterr().err.count("ignoring the images in its 1 subfolder;") == 1


def test_folders_that_cannot_be_listed(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    for folder, message in [
        (tmp_path, "contains no images"),
        (tmp_path / "missing", "does not exist"),
        (tmp_path / "notes.txt", "is not a folder"),
    ]:
        with pytest.raises(PatinaError, match=message) as caught:
            list_pictures(folder)
        assert str(folder) in str(caught.value)


def test_a_picture_knows_its_depth() -> None:
    assert Picture(noise(16)).max_value == 65535
    assert Picture(noise()).max_value == 255
