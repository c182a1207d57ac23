"""Interlaced PNGs: the pixels of others, no word of libpng's, and damage that is named."""

import struct
import zlib

import imagecodecs
import numpy as np
import pytest

from encoded_pictures import png_chunk
from patina.errors import PictureError
from patina.imaging.picture_files import read_picture

PASSES = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}


def rows(samples: np.ndarray, bits: int) -> bytes:
    """Rows without a filter, of values in 1 to 16 bits."""
    if bits == 16:
        return b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    if bits == 8:
        return b"".join(b"\0" + row.tobytes() for row in samples)
    spread = np.unpackbits(samples[..., None], axis=-1)[..., -bits:]
    return b"".join(b"\0" + np.packbits(row).tobytes() for row in spread)


def png(samples: np.ndarray, bits: int, interlaced: bool, *chunks: tuple[bytes, bytes], colour: int | None = None):
    height, width, channels = samples.shape
    colour = COLOURS[channels] if colour is None else colour
    parts = [samples[y::down, x::right] for y, x, down, right in PASSES] if interlaced else [samples]
    body = zlib.compress(b"".join(rows(part, bits) for part in parts if part.size))
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced)
    chunks = (b"IHDR", header), *chunks, (b"IDAT", body), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(kind, payload) for kind, payload in chunks)


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (9, 13), (21, 34)])
@pytest.mark.parametrize(
    ("channels", "bits"), [(1, 1), (1, 2), (1, 4), (1, 8), (1, 16), (2, 8), (3, 8), (3, 16), (4, 16)]
)
def test_pixels_are_those_without_interlacing(tmp_path, capfd, size, channels, bits):
    samples = np.random.default_rng(1).integers(0, 2**bits, (*size, channels))
    samples = samples.astype(np.uint16 if bits == 16 else np.uint8)
    for name in ("plain", "interlaced"):
        (tmp_path / f"{name}.png").write_bytes(png(samples, bits, name == "interlaced"))
    plain, found = read_picture(tmp_path / "plain.png"), read_picture(tmp_path / "interlaced.png")
    assert np.array_equal(plain.pixels, found.pixels)
    assert plain.pixels.dtype == found.pixels.dtype
    assert (plain.alpha is None) == (found.alpha is None)
    assert found.alpha is None or np.array_equal(plain.alpha, found.alpha)
    assert capfd.readouterr().err == ""


def test_palettes_keep_their_colours_and_transparency(tmp_path):
    samples = np.random.default_rng(2).integers(0, 4, (9, 13, 1)).astype(np.uint8)
    palette = (b"PLTE", bytes(range(12))), (b"tRNS", b"\x00\x40\x80\xff")
    for name in ("plain", "interlaced"):
        (tmp_path / f"{name}.png").write_bytes(png(samples, 2, name == "interlaced", *palette, colour=3))
    plain, found = read_picture(tmp_path / "plain.png"), read_picture(tmp_path / "interlaced.png")
    assert np.array_equal(plain.pixels, found.pixels)
    assert np.array_equal(plain.alpha, found.alpha)


def test_the_same_pixels_as_libpng(tmp_path):
    samples = np.random.default_rng(3).integers(0, 256, (21, 34, 3)).astype(np.uint8)
    (tmp_path / "a.png").write_bytes(data := png(samples, 8, True))
    assert np.array_equal(read_picture(tmp_path / "a.png").pixels, imagecodecs.png_decode(data))


@pytest.mark.parametrize("change", ["short", "long", "cut", "damaged"])
def test_damage_is_named(tmp_path, change):
    samples = np.random.default_rng(4).integers(0, 256, (9, 13, 3)).astype(np.uint8)
    plain = b"".join(rows(samples[y::down, x::right], 8) for y, x, down, right in PASSES)
    body = {
        "short": zlib.compress(plain[:-1]),
        "long": zlib.compress(plain + b"\0"),
        "cut": zlib.compress(plain)[:-6],
        "damaged": zlib.compress(plain)[:-1] + b"\xff",
    }[change]
    header = struct.pack(">IIBBBBB", 13, 9, 8, 2, 0, 0, 1)
    chunks = (b"IHDR", header), (b"IDAT", body), (b"IEND", b"")
    data = b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(kind, payload) for kind, payload in chunks)
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(PictureError, match=r"a\.png is a PNG that cannot be decoded"):
        read_picture(tmp_path / "a.png")
