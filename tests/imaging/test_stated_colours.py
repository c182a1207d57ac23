"""TIFFs, BMPs, AVIFs and PNGs that state their colours by tags and codes: these are followed, or told of."""

import io
import struct
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image
from test_colour_spaces import D65, P3_PRIMARIES, SRGB_PRIMARIES, from_light, muted, p3_as_srgb, p3_profile, png, read

from encoded_pictures import encoded, noise, png_chunk
from patina.imaging.frames import frame_paths
from patina.imaging.picture_files import read_picture
from patina.system.notes import collected

PIXELS = muted()
LINEAR_CURVE = tuple(range(0, 65536, 257)) * 3
SRGB_CURVE = tuple(
    int(65535 * (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4)) for v in np.arange(256) / 255
)


def points(*given: tuple[float, float]) -> tuple[int, ...]:
    return tuple(part for point in given for value in point for part in (round(value * 10**6), 10**6))


def tiff(pixels: np.ndarray, **tags: tuple[int, ...]) -> bytes:
    """Return a TIFF with a white point, primaries or a transfer function."""
    numbers = {"white": (318, "2I", 2), "primaries": (319, "2I", 6), "transfer": (301, "H", None)}
    extra = [
        (numbers[name][0], numbers[name][1], numbers[name][2] or len(value), value, True)
        for name, value in tags.items()
    ]
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, photometric="rgb", extratags=extra)
    return buffer.getvalue()


def bmp(pixels: np.ndarray, space: bytes, ends: tuple = (), gamma: float = 0.0, profile: bytes = b"") -> bytes:
    """Return a BMP with a header of version 5."""
    height, width = pixels.shape[:2]
    row = -(-width * 3 // 4) * 4
    rows = b"".join(line.tobytes().ljust(row, b"\0") for line in pixels[::-1, :, ::-1])
    xyz = [value for x, y in ends for value in (x, y, 1 - x - y)] or [0] * 9
    header = struct.pack("<IiiHHIIiiII16x", 124, width, height, 1, 24, 0, len(rows), 0, 0, 0, 0) + space
    header += struct.pack("<9i3I", *(int(value * 2**30) for value in xyz), *[int(gamma * 65536)] * 3)
    header += struct.pack("<4I", 4, 124 + len(rows) if profile else 0, len(profile), 0)
    return b"BM" + struct.pack("<IHHI", 138 + len(rows) + len(profile), 0, 0, 138) + header + rows + profile


def avif(pixels: np.ndarray, primaries: int = 1, transfer: int = 13) -> bytes:
    data = encoded(Image.fromarray(pixels), "AVIF", quality=100, subsampling="4:4:4")
    return data.replace(b"nclx\0\1\0\x0d", b"nclx" + struct.pack(">HH", primaries, transfer))


def test_primaries_of_a_tiff_are_converted(tmp_path: Path) -> None:
    found, notes = read(tmp_path, tiff(PIXELS, white=points(D65), primaries=points(*P3_PRIMARIES)))
    assert np.abs(found - p3_as_srgb(PIXELS)).max() <= 1
    assert notes == ["converted from Display P3 to sRGB"]


def test_codes_of_an_avif_are_followed(tmp_path: Path) -> None:
    plain, notes = read(tmp_path, avif(PIXELS))
    assert notes == []
    wide, notes = read(tmp_path, avif(PIXELS, primaries=12))
    assert np.abs(wide - p3_as_srgb(plain)).max() <= 1
    assert notes == ["converted from Display P3 to sRGB"]
    linear, notes = read(tmp_path, avif(PIXELS, transfer=8))
    assert np.abs(linear - from_light(plain / 255) * 255).max() <= 1
    assert np.array_equal(read(tmp_path, avif(PIXELS, 2, 2))[0], plain)


def test_a_profile_in_a_bmp_is_used(tmp_path: Path) -> None:
    found, notes = read(tmp_path, bmp(PIXELS, b"DEBM", profile=p3_profile()))
    assert np.abs(found - p3_as_srgb(PIXELS)).max() <= 1
    assert len(notes) == 1


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda pixels: tiff(pixels, transfer=LINEAR_CURVE), "a TIFF's transfer function"),
        (lambda pixels: bmp(pixels, b"KNIL"), "a BMP's colour profile in another file"),
        (lambda pixels: bmp(pixels, bytes(4), P3_PRIMARIES), "a BMP's own primaries and gamma"),
        (lambda pixels: bmp(pixels, bytes(4), SRGB_PRIMARIES, 1.0), "a BMP's own primaries and gamma"),
        (lambda pixels: png(pixels, png_chunk(b"cICP", b"\1\x0d\0\0")), "PNG colours that are stored as a video's"),
        (lambda pixels: avif(pixels, 9, 16), "AVIF colours of primaries 9 and transfer 16"),
    ],
)
def test_what_is_not_converted_is_told(tmp_path: Path, make: Callable, told: str) -> None:
    assert read(tmp_path, make(PIXELS))[1] == [f"read as sRGB in spite of {told}"]


def test_tags_without_sense_stop_nothing(tmp_path: Path) -> None:
    pixels = noise()
    data = bytearray(tiff(pixels, transfer=SRGB_CURVE))
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        count = file.pages[0].tags[301].offset + 4
    data[count : count + 4] = bytes(4)
    found, notes = read(tmp_path, bytes(data))
    np.testing.assert_array_equal(found, pixels)
    assert notes == []
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, noise(), photometric="rgb", extratags=[(34675, "H", 99, (300,) * 99, True)])
    assert read(tmp_path, buffer.getvalue())[1] == ["read as sRGB, because the colour profile is damaged"]


@pytest.mark.parametrize(
    "data",
    [
        tiff(noise(), white=points(D65), primaries=points(*SRGB_PRIMARIES), transfer=SRGB_CURVE),
        bmp(noise(), b"BGRs"),
        bmp(noise(), bytes(4)),
        bmp(noise(), bytes(4), SRGB_PRIMARIES, 2.2),
        bmp(noise(), bytes(4), SRGB_PRIMARIES, 0.4545),
    ],
)
def test_srgb_in_other_words_changes_nothing(tmp_path: Path, data: bytes) -> None:
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    found, notes = read(tmp_path, data)
    np.testing.assert_array_equal(found, expected)
    assert notes == []


def test_bits_that_are_not_read_are_told_of(tmp_path: Path) -> None:
    samples = muted(16) >> 6
    found, notes = read(tmp_path, imagecodecs.avif_encode(samples, bitspersample=10, level=100))
    assert notes == ["reduced from 10 to 8 bits"]
    assert np.abs(found - (samples >> 2).astype(int)).mean() < 8


@pytest.mark.parametrize("suffix", [".png", ".avif"])
def test_frames_keep_the_colours_of_their_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    flat = [Image.new("RGB", (16, 16), (200, 120 + 20 * number, 90)) for number in range(2)]
    flat[0].save(path, save_all=True, append_images=flat[1:], **({"quality": 100} if suffix == ".avif" else {}))
    data = path.read_bytes()
    if suffix == ".png":
        data = data[:33] + png_chunk(b"gAMA", (100000).to_bytes(4, "big")) + data[33:]
    else:
        assert b"nclx\0\1\0\x0d" in data
        data = data.replace(b"nclx\0\1\0\x0d", b"nclx\0\1\0\x08")
    path.write_bytes(data)
    first = frame_paths(path)[0]
    with collected() as notes:
        np.testing.assert_array_equal(read_picture(first).pixels, read_picture(path).pixels)
    assert notes == ["converted from sRGB with a gamma of 1 to sRGB"]


def test_boxes_in_boxes_end_no_job(tmp_path: Path) -> None:
    plain, nested = avif(PIXELS), b""
    for _ in range(2000):
        nested = struct.pack(">I4s", 8 + len(nested), b"ipco") + nested
    assert np.array_equal(read(tmp_path, plain + nested)[0], read(tmp_path, plain)[0])
