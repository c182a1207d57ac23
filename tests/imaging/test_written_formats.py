"""Formats of results: what comes back, and which EXIF data stay."""

import io
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

from patina.cli.main import run_command
from patina.errors import PatinaError
from patina.imaging.format_names import FORMAT_NAMES
from patina.imaging.picture_files import read_picture
from patina.imaging.written_formats import FORMATS, kept_exif, written_format
from patina.system.notes import collected
from stores import write_tar

LOSSLESS = ("png", "tiff", "webp-lossless")


def smooth(side: int = 64) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side]
    return np.stack([rows * 3, columns * 3, rows + columns], axis=2).astype(np.uint8)


def exif_of(path: Path) -> Image.Exif:
    with Image.open(path) as image:
        exif = image.getexif()
        for part in (IFD.Exif, IFD.GPSInfo):  # read while the file is open
            exif.get_ifd(part)
        return exif


def write_with_exif(path: Path) -> Path:
    exif = Image.Exif()
    exif[Base.Make] = "A maker"
    exif[Base.Orientation] = 6
    exif[Base.ImageWidth] = 64
    exif.get_ifd(IFD.Exif)[Base.ExposureTime] = 0.02
    exif.get_ifd(IFD.Exif)[Base.ExifImageWidth] = 64
    exif.get_ifd(IFD.Exif)[Base.MakerNote] = b"secret addresses"
    exif.get_ifd(IFD.GPSInfo)[GPS.GPSLatitude] = (50.0, 3.0, 2.0)
    Image.fromarray(smooth()).save(path, exif=exif.tobytes(), quality=95)
    return path


def test_every_format_has_its_name():
    assert tuple(FORMATS) == FORMAT_NAMES


@pytest.mark.parametrize("name", FORMATS)
def test_pictures_come_back(tmp_path, name):
    form, pixels = FORMATS[name], smooth()
    form.write(tmp_path / f"a{form.suffix}", pixels)
    back = read_picture(tmp_path / f"a{form.suffix}").pixels.astype(int)
    assert np.abs(back - pixels).max() <= (0 if name in LOSSLESS else 24)
    assert np.abs(back - pixels).mean() <= (0 if name in LOSSLESS else 2)


@pytest.mark.parametrize("name", ["webp", "jpeg", "avif"])
def test_quality_decides_the_size(tmp_path, name):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    sizes = []
    for quality in (10, 95):
        path = tmp_path / f"{quality}{FORMATS[name].suffix}"
        written_format(name, quality).write(path, noise)
        sizes.append(path.stat().st_size)
    assert sizes[0] < 0.5 * sizes[1]


@pytest.mark.parametrize("name", FORMATS)
def test_sixteen_bits_stay_where_the_format_holds_them(tmp_path, name):
    form, pixels = FORMATS[name], smooth().astype(np.uint16) * 257 + 1
    with collected() as notes:
        form.write(tmp_path / f"a{form.suffix}", pixels)
    back = read_picture(tmp_path / f"a{form.suffix}").pixels
    assert back.dtype == (np.uint16 if form.holds_16_bit else np.uint8)
    assert notes == ([] if form.holds_16_bit else ["rounded to 8 bits, all that the format holds"])
    if form.holds_16_bit:
        assert np.array_equal(back, pixels)


@pytest.mark.parametrize("name", FORMATS)
def test_exif_stays_apart_from_what_no_longer_holds(tmp_path, name):
    form, source = FORMATS[name], write_with_exif(tmp_path / "source.jpg")
    with collected() as notes:
        form.write(tmp_path / f"a{form.suffix}", smooth(), source=source)
    found = exif_of(tmp_path / f"a{form.suffix}")
    assert found[Base.Make] == "A maker"
    assert found.get_ifd(IFD.Exif)[Base.ExposureTime] == pytest.approx(0.02)
    assert tuple(map(float, found.get_ifd(IFD.GPSInfo)[GPS.GPSLatitude])) == (50, 3, 2)
    assert Base.Orientation not in found
    assert found.get(Base.ImageWidth) in (None, 64)  # a TIFF's own
    assert not {Base.MakerNote, Base.ExifImageWidth} & set(found.get_ifd(IFD.Exif))
    assert notes == []


def test_damaged_and_endless_exif_is_said(tmp_path):
    jpeg = io.BytesIO()
    Image.fromarray(smooth()).save(jpeg, "JPEG")
    segment = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\xff" * 40
    data = jpeg.getvalue()
    damaged = data[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + data[2:]
    (tmp_path / "damaged.jpg").write_bytes(damaged)
    exif = Image.Exif()
    exif[Base.ImageDescription] = "x" * 65_400
    Image.fromarray(smooth()).save(tmp_path / "long.png", exif=exif.tobytes())
    for name in ("damaged.jpg", "long.png"):
        with collected() as notes:
            assert kept_exif(tmp_path / name) == b""
        damaged = name == "damaged.jpg"
        assert notes == [
            f"{'read' if damaged else 'written'} without EXIF data, which are {'damaged' if damaged else 'too long'}"
        ]


def test_large_images_and_those_in_tars_have_their_exif(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # above twice of which Pillow opens nothing
    source = write_with_exif(tmp_path / "a.jpg")
    write_tar(tmp_path / "t.tar", [("a.jpg", source.read_bytes())])
    for path in (source, tmp_path / "t.tar" / "a.jpg"):
        with collected() as notes:
            assert b"A maker" in kept_exif(path)
        assert notes == []


def test_files_without_exif_have_none(tmp_path):
    Image.fromarray(smooth()).save(tmp_path / "a.png")
    with collected() as notes:
        assert kept_exif(tmp_path / "a.png") == b""
    assert notes == []


def test_a_lossless_format_has_no_quality():
    with pytest.raises(PatinaError, match=r"-quality is for lossy formats \(webp, jpeg, avif\), but -format is png"):
        written_format("png", 90)
    with pytest.raises(PatinaError, match="-quality is 101, expected 1 to 100"):
        written_format("jpeg", 101)


def upscale(tmp_path: Path, *options: object) -> int:
    arguments = ["-model", "bicubic", "-scale", 2, "-source", tmp_path / "in", "-out", tmp_path / "out", *options]
    return run_command("upscale", list(map(str, arguments)))


def test_upscaled_pictures_keep_their_exif_and_a_folder_its_format(tmp_path, capsys):
    (tmp_path / "in").mkdir()
    write_with_exif(tmp_path / "in/a.jpg")
    assert upscale(tmp_path, "-format", "webp", "-quality", 80) == 0
    assert read_picture(tmp_path / "out/a.webp").pixels.shape == (128, 128, 3)
    assert exif_of(tmp_path / "out/a.webp")[Base.Make] == "A maker"
    capsys.readouterr()
    assert upscale(tmp_path, "-format", "webp", "-quality", 80) == 0
    assert "up to date" in capsys.readouterr().err
    assert upscale(tmp_path, "-format", "jpeg") == 2
    assert "format webp, now jpeg" in capsys.readouterr().err


@pytest.mark.parametrize("name", FORMATS)
def test_a_profile_stays_in_every_format(tmp_path, name):
    form, profile = FORMATS[name], display_p3()
    form.write(tmp_path / f"a{form.suffix}", smooth(), profile=profile)
    with Image.open(tmp_path / f"a{form.suffix}") as image:
        assert image.info["icc_profile"] == profile
    kept = read_picture(tmp_path / f"a{form.suffix}", keep_profile=True)
    assert kept.profile == profile
    assert np.abs(kept.pixels.astype(int) - smooth()).max() <= (0 if name in LOSSLESS else 24)
    assert np.abs(read_picture(tmp_path / f"a{form.suffix}").pixels.astype(int) - kept.pixels).max() > 8


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", ["rgb", "rgba", "grey"])
def test_tiffs_with_metadata_hold_every_kind_of_pixels(tmp_path, dtype, shape):
    pixels = (smooth().astype(np.uint16) * 257 + 1).astype(dtype) if dtype == np.uint16 else smooth()
    alpha = pixels[..., 0] if shape == "rgba" else None
    pixels = pixels[..., 1] if shape == "grey" else pixels
    FORMATS["tiff"].write(tmp_path / "a.tif", pixels, alpha, source=write_with_exif(tmp_path / "source.jpg"))
    back = read_picture(tmp_path / "a.tif")
    assert back.pixels.dtype == dtype
    np.testing.assert_array_equal(back.pixels[..., 1], pixels if shape == "grey" else pixels[..., 1])
    assert (back.alpha is not None) == (shape == "rgba")
    assert exif_of(tmp_path / "a.tif").get_ifd(IFD.Exif)[Base.ExposureTime] == pytest.approx(0.02)


def test_upscaled_images_keep_the_space_of_their_colours(tmp_path, capsys):
    (tmp_path / "in").mkdir()
    Image.fromarray(smooth()).save(tmp_path / "in" / "a.png", icc_profile=display_p3())
    upscale = ["-model", "nearest", "-scale", "2", "-source", str(tmp_path / "in"), "-out"]
    assert run_command("upscale", [*upscale, str(tmp_path / "out")]) == 0
    assert "converted" not in capsys.readouterr().err
    with Image.open(tmp_path / "out" / "a.png") as image:
        assert image.info["icc_profile"] == display_p3()
        np.testing.assert_array_equal(np.asarray(image), smooth().repeat(2, axis=0).repeat(2, axis=1))


def test_exif_of_jpeg_xl_is_kept(tmp_path):
    exif = exif_of(write_with_exif(tmp_path / "source.jpg")).tobytes().removeprefix(b"Exif\0\0")
    plain = imagecodecs.jpegxl_encode(smooth(), usecontainer=True)
    box = (12 + len(exif)).to_bytes(4, "big") + b"Exif" + bytes(4) + exif
    (tmp_path / "a.jxl").write_bytes(plain + box)
    (tmp_path / "b.jxl").write_bytes(plain)
    found = Image.Exif()
    found.load(b"Exif\0\0" + kept_exif(tmp_path / "a.jxl"))
    assert found[Base.Make] == "A maker"
    assert Base.Orientation not in found
    assert kept_exif(tmp_path / "b.jxl") == b""


def display_p3() -> bytes:
    return bytes(
        imagecodecs.cms_profile(
            "rgb", whitepoint=(0.3127, 0.329), primaries=(0.68, 0.32, 0.265, 0.69, 0.15, 0.06), gamma=2.2
        )
    )
