"""TIFF pictures: every way of storing gives the pixels behind it, and damage is named."""

import io
import re
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from encoded_pictures import HEIGHT, WIDTH, encoded, noise, smooth
from patina.errors import PictureError
from patina.imaging.picture_files import Picture, read_picture
from patina.system.notes import collected

PIXELS = {8: noise(8), 16: noise(16)}


def tiff(samples: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, samples, **{"photometric": "rgb" if samples.ndim == 3 else "minisblack", **options})
    return buffer.getvalue()


def read(folder: Path, data: bytes) -> Picture:
    (folder / "a.tif").write_bytes(data)
    return read_picture(folder / "a.tif")


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "lzw"},
        {"compression": "lzw", "predictor": 2, "rowsperstrip": 8},
        {"compression": "zlib", "predictor": 2},
        {"compression": "packbits"},
        {"compression": "zstd"},
        {"compression": "lzma"},
        {"compression": "lzw", "tile": (16, 16)},
        {"tile": (16, 16)},
        {"byteorder": ">", "compression": "lzw", "predictor": 2},
        {"bigtiff": True},
        {"planarconfig": "separate"},
        {"planarconfig": "separate", "compression": "lzw", "tile": (16, 16)},
    ],
)  # fmt: skip
def test_every_way_of_storing_gives_the_pixels(tmp_path: Path, depth: int, options: dict) -> None:
    planes = options.get("planarconfig") == "separate"
    samples = np.moveaxis(PIXELS[depth], 2, 0) if planes else PIXELS[depth]
    np.testing.assert_array_equal(read(tmp_path, tiff(samples, **options)).pixels, PIXELS[depth])


@pytest.mark.parametrize("depth", [8, 16])
def test_white_is_zero(tmp_path: Path, depth: int) -> None:
    gray = PIXELS[depth][..., 0]
    picture = read(tmp_path, tiff(np.iinfo(gray.dtype).max - gray, photometric="miniswhite"))
    np.testing.assert_array_equal(picture.pixels[..., 1], gray)
    assert picture.gray


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("kind", ["assocalpha", "unassalpha", None])
def test_colours_multiplied_by_alpha_are_divided_again(tmp_path: Path, depth: int, kind: str | None) -> None:
    pixels, alpha = PIXELS[depth], noise(depth)[..., 0]
    alpha[0, :3] = 0
    white = np.iinfo(alpha.dtype).max
    multiplied = np.rint(pixels.astype(np.float64) * alpha[..., None] / white).astype(pixels.dtype)
    stored = np.dstack([multiplied if kind == "assocalpha" else pixels, alpha])
    picture = read(tmp_path, tiff(stored, **({"extrasamples": [kind]} if kind else {})))
    np.testing.assert_array_equal(picture.alpha, alpha)
    if kind == "assocalpha":
        # The rounding of the product, divided by a small alpha, is all that may be lost.
        error = np.abs(picture.pixels.astype(np.float64) - pixels) * alpha[..., None] / white
        assert error.max() <= 1
        np.testing.assert_array_equal(picture.pixels[alpha == white], pixels[alpha == white])
    else:
        np.testing.assert_array_equal(picture.pixels, pixels)


@pytest.mark.parametrize(
    ("kinds", "place"),
    [(["unspecified", "unassalpha"], 1), (["unassalpha", "unspecified"], 0), (["unspecified", "assocalpha"], 1)],
)
def test_alpha_is_the_sample_that_is_called_so(tmp_path: Path, kinds: list[str], place: int) -> None:
    pixels, beside = PIXELS[8] // 2, [np.full((HEIGHT, WIDTH), 200, np.uint8), np.full((HEIGHT, WIDTH), 200, np.uint8)]
    beside[place] = np.full((HEIGHT, WIDTH), 128, np.uint8)
    with collected() as notes:
        picture = read(tmp_path, tiff(np.dstack([pixels, *beside]), extrasamples=kinds))
    assert picture.alpha is not None
    assert np.all(picture.alpha == 128)
    expected = pixels if "unassalpha" in kinds else np.rint(pixels * (255 / 128))
    assert np.abs(picture.pixels - expected.astype(int)).max() <= 1
    assert notes == ["read without 1 channel beside their colours"]


def test_samples_that_are_no_alpha_hide_nothing(tmp_path: Path) -> None:
    data = tiff(np.dstack([PIXELS[8], PIXELS[8][..., :2]]), extrasamples=["unspecified", "unspecified"])
    assert read(tmp_path, data).alpha is None


def test_inks_are_divided_by_alpha_before_they_become_colours(tmp_path: Path) -> None:
    inks = np.dstack([255 - smooth(), np.zeros((HEIGHT, WIDTH, 1), np.uint8)])
    alpha = np.full((HEIGHT, WIDTH, 1), 200, np.uint8)
    multiplied = np.rint(inks * (200 / 255)).astype(np.uint8)
    data = tiff(np.dstack([multiplied, alpha]), photometric="separated", extrasamples=["assocalpha"])
    assert np.abs(read(tmp_path, data).pixels.astype(int) - smooth()).max() <= 1


def test_a_palette_may_have_alpha_beside(tmp_path: Path) -> None:
    indices, palette = PIXELS[8][..., 0], np.arange(768).reshape(3, 256) * 80
    options = {"photometric": "minisblack", "planarconfig": "contig", "extrasamples": ["unassalpha"]}
    colours = [(320, "H", 768, palette.ravel().tolist(), True)]
    data = bytearray(tiff(np.dstack([indices, indices]), extratags=colours, **options))
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        place = file.pages[0].tags["PhotometricInterpretation"].valueoffset
    data[place : place + 2] = (3).to_bytes(2, "little")
    picture = read(tmp_path, bytes(data))
    np.testing.assert_array_equal(picture.alpha, indices)
    np.testing.assert_array_equal(picture.pixels, (palette[:, indices] >> 8).transpose(1, 2, 0))


@pytest.mark.parametrize("place", ["next page", "below"])
def test_a_preview_is_not_taken_for_the_image(tmp_path: Path, place: str) -> None:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(smooth()[::4, ::4], photometric="rgb", subfiletype=1, subifds=int(place == "below"))
        writer.write(smooth(), photometric="rgb")
    with pytest.raises(PictureError, match="begins with a preview or a mask of its image; save the image alone"):
        read(tmp_path, buffer.getvalue())


@pytest.mark.parametrize("bits", [1, 2, 4, 10, 12, 14])
def test_other_depths_are_stretched(tmp_path: Path, bits: int) -> None:
    levels = noise(16)[..., 0] >> (16 - bits)
    samples = levels.astype(bool if bits == 1 else np.uint8 if bits < 8 else np.uint16)
    white = 255 if bits < 8 else 65535
    expected = np.rint(levels * (white / (2**bits - 1))).astype(np.uint8 if bits < 8 else np.uint16)
    picture = read(tmp_path, tiff(samples, bitspersample=bits))
    np.testing.assert_array_equal(picture.pixels[..., 0], expected)


def test_jpeg_and_inks_inside_are_read_as_pillow_reads_them(tmp_path: Path) -> None:
    for mode, options in [("RGB", {"compression": "jpeg"}), ("CMYK", {"compression": "tiff_lzw"}), ("CMYK", {})]:
        data = encoded(Image.fromarray(smooth()).convert(mode), "TIFF", **options)
        expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
        assert np.abs(read(tmp_path, data).pixels - expected).max() <= 2


@pytest.mark.parametrize("compression", ["lzw", "zlib", "packbits", "jpeg"])
def test_damaged_data_are_named(tmp_path: Path, compression: str) -> None:
    rng = np.random.default_rng(1)
    pixels = np.repeat(rng.integers(0, 256, (96, 16, 3)).astype(np.uint8), 6, axis=1)
    data = bytearray(tiff(pixels, compression=compression))
    read(tmp_path, bytes(data))
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        start, size = file.pages[0].dataoffsets[0], file.pages[0].databytecounts[0]
    middle = start + size // 2
    data[middle : middle + 256] = rng.integers(0, 256, 256).astype(np.uint8).tobytes()
    with pytest.raises(PictureError, match=r"a\.tif (is damaged inside|is a TIFF that cannot be decoded)"):
        read(tmp_path, bytes(data))


@pytest.mark.parametrize("extra", [-90, 90])
def test_parts_that_are_too_short_or_too_long_are_named(tmp_path: Path, extra: int) -> None:
    stored = smooth().tobytes()
    stored = imagecodecs.lzw_encode(stored + bytes(extra) if extra > 0 else stored[:extra])
    plain = tiff(smooth(), compression="lzw")
    with tifffile.TiffFile(io.BytesIO(plain)) as file:
        tags = file.pages[0].tags
        data = bytearray(plain + stored)
        for name, value in (("StripOffsets", len(plain)), ("StripByteCounts", len(stored))):
            place, width = tags[name].valueoffset, {3: 2, 4: 4}[tags[name].dtype]
            data[place : place + width] = value.to_bytes(width, "little")
    with pytest.raises(PictureError, match=r"is damaged inside \(part 1: LZW data .* 2142( bytes)?\)"):
        read(tmp_path, bytes(data))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"compression": "jpeg2000"}, r"is compressed by JPEG_?2000.* \(\d+\); save it with LZW"),
        ({"photometric": "separated", "extratags": [(332, "H", 1, 2, True)]}, "stores inks other than cyan, magenta"),
        ({"photometric": "cielab"}, r"stores its colours as CIELAB \(8\); convert it to RGB"),
        ({"photometric": "minisblack", "planarconfig": "contig"}, "has 4 channels; convert it to gray or RGB"),
    ],
)
def test_what_cannot_be_checked_or_understood_is_refused(tmp_path: Path, options: dict, message: str) -> None:
    data = tiff(
        PIXELS[8] if not re.search("gray|inks", message) else np.dstack([PIXELS[8], PIXELS[8][..., 0]]), **options
    )
    if "gray" in message:  # without the tag that describes what lies beside the gray
        data = data.replace(b"\x52\x01\x03\x00", b"\x52\xff\x03\x00")
    with pytest.raises(PictureError, match=message):
        read(tmp_path, data)


def test_an_unknown_compression_is_refused(tmp_path: Path) -> None:
    data = bytearray(tiff(PIXELS[8]))
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        place = file.pages[0].tags["Compression"].valueoffset
    data[place : place + 2] = (60123).to_bytes(2, "little")
    with pytest.raises(PictureError, match=r"is compressed by .*60123"):
        read(tmp_path, bytes(data))


def test_missing_parts_are_named(tmp_path: Path) -> None:
    data = bytearray(tiff(PIXELS[8], compression="lzw", rowsperstrip=8))
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        tag = file.pages[0].tags["StripByteCounts"]
    data[tag.valueoffset : tag.valueoffset + 2] = bytes(2)
    with pytest.raises(PictureError, match="parts are missing"):
        read(tmp_path, bytes(data))
