"""Pixels mean what their file says: profiles and PNG's chunks are converted to sRGB, and told of."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from encoded_pictures import encoded, noise, png_chunk
from patina.imaging.picture_files import read_picture
from patina.system.notes import collected

D65 = (0.3127, 0.3290)
SRGB_PRIMARIES = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
P3_PRIMARIES = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))


def to_light(values: np.ndarray) -> np.ndarray:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def from_light(light: np.ndarray) -> np.ndarray:
    light = light.clip(0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def to_xyz(primaries: tuple) -> np.ndarray:
    """Return the matrix from linear RGB to XYZ (Lindbloom's derivation)."""
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
    white = np.array([D65[0] / D65[1], 1, (1 - sum(D65)) / D65[1]])
    return columns * np.linalg.solve(columns, white)


def p3_as_srgb(pixels: np.ndarray) -> np.ndarray:
    matrix = np.linalg.inv(to_xyz(SRGB_PRIMARIES)) @ to_xyz(P3_PRIMARIES)
    white = np.iinfo(pixels.dtype).max
    return from_light(to_light(pixels / white) @ matrix.T) * white


def p3_profile() -> bytes:
    curve = to_light(np.linspace(0, 1, 4096)).astype(np.float32)
    points = [value for point in P3_PRIMARIES for value in point]
    return bytes(imagecodecs.cms_profile("rgb", whitepoint=D65, primaries=points, transferfunction=curve))


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def muted(depth: int = 8) -> np.ndarray:
    """Return pixels inside sRGB's range even if they are Display P3's."""
    return (noise(depth) // 3 + (80 if depth == 8 else 80 * 257)).astype(noise(depth).dtype)


def read(folder: Path, data: bytes) -> tuple[np.ndarray, list[str]]:
    (folder / "a.png").write_bytes(data)
    with collected() as notes:
        return read_picture(folder / "a.png").pixels, notes


def png(pixels: np.ndarray, *chunks: bytes) -> bytes:
    data = imagecodecs.png_encode(pixels)
    return data[:33] + b"".join(chunks) + data[33:]


def iccp(profile: bytes) -> bytes:
    return png_chunk(b"iCCP", b"name\0\0" + zlib.compress(profile))


def tiff(pixels: np.ndarray, profile: bytes) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, photometric="rgb", iccprofile=profile)
    return buffer.getvalue()


WRITERS: dict[str, Callable[[np.ndarray, bytes], bytes]] = {
    "PNG": lambda pixels, profile: png(pixels, iccp(profile)),
    "TIFF": tiff,
    "WebP": lambda pixels, profile: encoded(Image.fromarray(pixels), "WEBP", lossless=True, icc_profile=profile),
    "JPEG": lambda pixels, profile: encoded(
        Image.fromarray(pixels), "JPEG", quality=100, subsampling=0, icc_profile=profile
    ),
}


@pytest.mark.parametrize(
    ("kind", "depth", "slack"),
    [("PNG", 8, 1), ("PNG", 16, 40), ("TIFF", 8, 1), ("TIFF", 16, 40), ("WebP", 8, 1), ("JPEG", 8, 1)],
)
def test_a_profile_of_a_wider_space_is_converted(tmp_path: Path, kind: str, depth: int, slack: int) -> None:
    pixels = muted(depth)
    found, notes = read(tmp_path, WRITERS[kind](pixels, p3_profile()))
    assert found.dtype == pixels.dtype
    if kind == "JPEG":
        pixels, _ = read(tmp_path, WRITERS[kind](pixels, b""))
    assert np.abs(found - p3_as_srgb(pixels)).max() <= slack
    assert notes[0].startswith("converted from ")
    assert notes[0].endswith(" to sRGB")
    assert len(notes) == 1


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WebP", "JPEG"])
def test_a_profile_of_srgb_changes_nothing(tmp_path: Path, kind: str) -> None:
    found, notes = read(tmp_path, WRITERS[kind](noise(), srgb_profile()))
    plain, _ = read(tmp_path, WRITERS[kind](noise(), b"") if kind != "PNG" else png(noise()))
    assert notes == []
    assert found.shape == plain.shape
    if kind in ("PNG", "TIFF"):
        assert found.dtype == np.uint8


def test_pixels_with_an_srgb_profile_are_those_without(tmp_path: Path) -> None:
    pixels = noise()
    for writer in (WRITERS["PNG"], WRITERS["TIFF"], WRITERS["WebP"]):
        np.testing.assert_array_equal(read(tmp_path, writer(pixels, srgb_profile()))[0], pixels)


def test_alpha_and_grey_are_kept(tmp_path: Path) -> None:
    gray = np.ascontiguousarray(muted()[..., 0])
    profile = bytes(imagecodecs.cms_profile("gray", gamma=1.0))
    found, notes = read(tmp_path, png(gray, iccp(profile)))
    expected = from_light(gray / 255) * 255
    assert np.abs(found - expected[..., None]).max() <= 1
    assert len(notes) == 1
    rgba = np.dstack([muted(), gray])
    (tmp_path / "b.png").write_bytes(png(rgba, iccp(p3_profile())))
    np.testing.assert_array_equal(read_picture(tmp_path / "b.png").alpha, gray)


@pytest.mark.parametrize("index", ["R03", "R98"])
def test_cameras_that_say_adobe_rgb_without_a_profile_are_understood(tmp_path: Path, index: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 1
    exif.get_ifd(0x8769)[0xA001] = 65535
    exif.get_ifd(0x8769)[0xA005] = {1: index}
    image = Image.fromarray(muted())
    plain, _ = read(tmp_path, encoded(image, "JPEG", quality=100, subsampling=0))
    found, notes = read(tmp_path, encoded(image, "JPEG", quality=100, subsampling=0, exif=exif))
    if index == "R98":  # sRGB
        np.testing.assert_array_equal(found, plain)
        assert notes == []
        return
    adobe = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
    matrix = np.linalg.inv(to_xyz(SRGB_PRIMARIES)) @ to_xyz(adobe)
    assert np.abs(found - from_light((plain / 255) ** (563 / 256) @ matrix.T) * 255).max() <= 1
    assert notes == ["converted from Adobe RGB to sRGB"]


def chrm(primaries: tuple) -> bytes:
    points = [value for point in (D65, *primaries) for value in point]
    return png_chunk(b"cHRM", struct.pack(">8I", *(round(value * 1e5) for value in points)))


def gama(gamma: float) -> bytes:
    return png_chunk(b"gAMA", struct.pack(">I", round(gamma * 1e5)))


def test_png_gamma_and_primaries_are_converted(tmp_path: Path) -> None:
    pixels = muted()
    linear, notes = read(tmp_path, png(pixels, gama(1.0)))
    assert np.abs(linear - from_light(pixels / 255) * 255).max() <= 1
    assert notes == ["converted from sRGB with a gamma of 1 to sRGB"]
    wide, notes = read(tmp_path, png(pixels, gama(0.45455), chrm(P3_PRIMARIES)))
    assert np.abs(wide - p3_as_srgb(pixels)).max() <= 1
    assert notes == ["converted from Display P3 to sRGB"]


@pytest.mark.parametrize(
    "chunks",
    [
        [gama(0.45455)],
        [gama(0.45455), chrm(SRGB_PRIMARIES)],
        [chrm(SRGB_PRIMARIES)],
        [png_chunk(b"sRGB", b"\0"), gama(1.0)],
        [png_chunk(b"cICP", b"\x01\x0d\x00\x01"), gama(1.0)],
    ],
)
def test_png_chunks_that_mean_srgb_change_nothing(tmp_path: Path, chunks: list[bytes]) -> None:
    pixels = noise()
    found, notes = read(tmp_path, png(pixels, *chunks))
    np.testing.assert_array_equal(found, pixels)
    assert notes == []


def test_coded_primaries_of_png_are_converted_or_named(tmp_path: Path) -> None:
    pixels = muted()
    found, notes = read(tmp_path, png(pixels, png_chunk(b"cICP", b"\x0c\x0d\x00\x01")))
    assert np.abs(found - p3_as_srgb(pixels)).max() <= 1
    assert notes == ["converted from Display P3 to sRGB"]
    found, notes = read(tmp_path, png(pixels, png_chunk(b"cICP", b"\x09\x10\x00\x01")))
    np.testing.assert_array_equal(found, pixels)
    assert notes == ["read as sRGB in spite of PNG colours of primaries 9 and transfer 16"]


@pytest.mark.parametrize("profile", [b"rubbish", p3_profile()[:400], bytes(600), srgb_profile()[:16] + b"GRAY" * 200])
def test_a_profile_that_cannot_be_used_is_named_and_the_pixels_kept(tmp_path: Path, profile: bytes) -> None:
    pixels = noise()
    found, notes = read(tmp_path, png(pixels, iccp(profile)))
    np.testing.assert_array_equal(found, pixels)
    assert len(notes) == 1
    assert "profile" in notes[0]


def test_a_profile_for_inks_is_named(tmp_path: Path) -> None:
    profile = srgb_profile()
    _, notes = read(tmp_path, png(noise(), iccp(profile[:16] + b"CMYK" + profile[20:])))
    assert notes == ["read as sRGB, because the colour profile is for CMYK"]
