"""Picture files: every format, depth, transparency and orientation in and out, and broken files named."""

import errno
import io
import os
import re
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from patina.errors import PatinaError, PictureError
from patina.imaging.picture_files import Picture, list_pictures, picture_size, read_picture, write_picture
from patina.imaging.value_spaces import to_pixels, to_tensor

HEIGHT, WIDTH = 21, 34
RNG = np.random.default_rng(7)


def noise(depth: int = 8, channels: int = 3) -> np.ndarray:
    dtype = {8: np.uint8, 16: np.uint16}[depth]
    return RNG.integers(0, 2**depth, (HEIGHT, WIDTH, channels)).astype(dtype)


def smooth() -> np.ndarray:
    """A picture that lossy formats keep, no two corners alike."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    return np.stack([rows * 10, columns * 6, 200 - rows * 4 - columns * 2], axis=-1).astype(np.uint8)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


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


def png_chunk(kind: bytes, payload: bytes) -> bytes:
    return len(payload).to_bytes(4, "big") + kind + payload + zlib.crc32(kind + payload).to_bytes(4, "big")


def sample(kind: str) -> bytes:
    image = Image.fromarray(noise())
    if kind == "progressive JPEG":
        return encoded(image, "JPEG", progressive=True)
    if kind == "lossless WebP":
        return encoded(image, "WEBP", lossless=True)
    if kind == "TIFF, directory last":
        return bytes(cv2.imencode(".tif", noise())[1])
    return encoded(image, kind)


KINDS = ["PNG", "JPEG", "progressive JPEG", "WEBP", "lossless WebP", "BMP", "TIFF", "TIFF, directory last"]


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


def test_jpeg_in_colours_of_print_is_read(tmp_path: Path) -> None:
    (tmp_path / "cmyk.jpg").write_bytes(encoded(Image.fromarray(smooth()).convert("CMYK"), "JPEG", quality=95))
    assert np.abs(read_picture(tmp_path / "cmyk.jpg").pixels.astype(int) - smooth()).mean() < 8


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("options", [{"subsampling": 0}, {"subsampling": 2, "quality": 40}, {"progressive": True}])
def test_jpeg_pixels_are_those_of_opencv(tmp_path: Path, mode: str, options: dict) -> None:
    data = encoded(Image.fromarray(smooth()).convert(mode), "JPEG", **options)
    (tmp_path / "a.jpg").write_bytes(data)
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    np.testing.assert_array_equal(read_picture(tmp_path / "a.jpg").pixels, expected)


def test_a_picture_beyond_all_bounds_is_refused(tmp_path: Path) -> None:
    data = bytearray(sample("JPEG"))
    frame = data.index(b"\xff\xc0") + 5
    data[frame : frame + 4] = b"\xff\xff\xff\xff"
    (tmp_path / "huge.jpg").write_bytes(data)
    with pytest.raises(PictureError, match="is 65535x65535; expected at most 1,073,741,824 pixels"):
        read_picture(tmp_path / "huge.jpg")


def test_jpeg_with_something_behind_its_end_is_whole(tmp_path: Path) -> None:
    (tmp_path / "motion.jpg").write_bytes(sample("JPEG") + b"a film")
    assert read_picture(tmp_path / "motion.jpg").width == WIDTH


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.png", b"", "is an empty file"),
        ("text.jpg", b"not a picture at all", "is not a PNG, JPEG"),
        ("moving.png", b"GIF89a" + bytes(40), "is not a PNG, JPEG"),
        ("notes.txt", b"hello", "has an unsupported suffix"),
    ],
)
def test_files_that_are_no_pictures(tmp_path: Path, name: str, content: bytes, message: str) -> None:
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


def test_opencv_keeps_quiet_about_broken_files(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    data = bytearray(sample("JPEG"))
    data[-200:-190] = bytes(10)
    (tmp_path / "a.jpg").write_bytes(data)
    read_picture(tmp_path / "a.jpg")
    (tmp_path / "b.tif").write_bytes(sample("TIFF, directory last").replace(b"\x01\x03\x00\x01", b"\x01\x03\x00\x09"))
    with suppress(PictureError):
        read_picture(tmp_path / "b.tif")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("name", "depth", "transparent", "message"),
    [
        ("a.jpg", 16, False, r"\.jpg cannot store 16-bit"),
        ("a.bmp", 16, False, r"\.bmp cannot store 16-bit"),
        ("a.WEBP", 16, False, r"\.webp cannot store 16-bit"),
        ("a.jpg", 8, True, r"\.jpg cannot store transparency"),
        ("a.bmp", 8, True, r"\.bmp cannot store transparency"),
        ("a.gif", 8, False, "unsupported suffix"),
    ],
)
def test_what_a_format_cannot_hold(tmp_path: Path, name: str, depth: int, transparent: bool, message: str) -> None:
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
    with pytest.raises(PatinaError, match=r"contains no pictures; .*, not in its subfolders \(more, …\)"):
        list_pictures(tmp_path)
    (tmp_path / "1.png").touch()
    for _ in range(2):
        list_pictures(tmp_path)
    assert capsys.readouterr().err.count("ignoring the pictures in its 1 subfolders") == 1


def test_folders_that_cannot_be_listed(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    for folder, message in [
        (tmp_path, "contains no pictures"),
        (tmp_path / "missing", "does not exist"),
        (tmp_path / "notes.txt", "is not a folder"),
    ]:
        with pytest.raises(PatinaError, match=message) as caught:
            list_pictures(folder)
        assert str(folder) in str(caught.value)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_value_survives_the_way_to_a_tensor_and_back(dtype: type) -> None:
    values = np.arange(np.iinfo(dtype).max + 1).astype(dtype)
    pixels = np.stack([values, values[::-1], values], axis=-1).reshape(-1, 64, 3)
    tensor = to_tensor(pixels)
    assert tensor.shape == (3, len(values) // 64, 64)
    assert (tensor.min(), tensor.max()) == (0, 1)
    np.testing.assert_array_equal(to_pixels(tensor, dtype), pixels)


def test_to_pixels_clamps_and_rounds_half_to_even() -> None:
    values = to_tensor(np.zeros((1, 4, 3), np.uint8))
    values[0, 0] = values.new_tensor([-1, 2, 0.5 / 255, 1.5 / 255])
    assert to_pixels(values)[0, :, 0].tolist() == [0, 255, 0, 2]


def test_16_bit_and_8_bit_white_are_the_same_tensor() -> None:
    white = [to_tensor(np.full((1, 1, 3), np.iinfo(dtype).max, dtype)) for dtype in (np.uint8, np.uint16)]
    assert white[0].equal(white[1])


def test_a_picture_knows_its_depth() -> None:
    assert Picture(noise(16)).max_value == 65535
    assert Picture(noise()).max_value == 255
