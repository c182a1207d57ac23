"""Small pictures of every format and way of storing, damaged copies of them, and what strict decoders make of these."""

import io
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import imagecodecs
import numpy as np
import tifffile
from PIL import Image, ImageOps

import golden_numbers
from encoded_pictures import encoded
from patina.errors import PictureError
from patina.imaging.camera_raw import develop
from patina.imaging.heic_pictures import decode_heic
from patina.imaging.picture_files import picture_size, read_picture
from patina.imaging.plugin_pictures import AROUND
from patina.system.notes import collected
from small_dng import dng

Encode = Callable[[np.ndarray], bytes]
"""From RGBA ``[H, W, 4]``, uint16, to a file."""

HEIGHT, WIDTH = 40, 52

LONGEST = 5.0
"""Seconds after which a small picture counts as a hang."""


def photo() -> np.ndarray:
    """Return a smooth picture with some noise, RGBA ``[H, W, 4]``, uint16: it compresses, but not to nothing."""
    rng = np.random.default_rng(3)
    coarse = rng.integers(8000, 57000, (5, 6, 4)).astype(np.float32)
    fine = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.clip(fine + rng.normal(0, 300, fine.shape), 0, 65535).astype(np.uint16)


def _by_pillow(kind: str, mode: str, **options: object) -> Encode:
    def encode(pixels: np.ndarray) -> bytes:
        image = Image.fromarray((pixels >> 8).astype(np.uint8)).convert("RGB" if mode in ("P", "CMYK") else mode)
        image = image.quantize(40) if mode == "P" else image.convert(mode)
        more = {"save_all": True, "append_images": [image.rotate(180)]} if options.get("animated") else {}
        return encoded(image, kind, **{name: value for name, value in options.items() if name != "animated"}, **more)

    return encode


def _tiff(channels: int = 3, depth: int = 8, **options: object) -> Encode:
    def encode(pixels: np.ndarray) -> bytes:
        samples = pixels[..., :channels] if depth == 16 else (pixels[..., :channels] >> 8).astype(np.uint8)
        samples = samples[..., 0] if channels == 1 else samples
        samples = np.moveaxis(samples, 2, 0) if options.get("planarconfig") == "separate" else samples
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, samples, **{"photometric": "rgb" if channels > 1 else "minisblack", **options})
        return buffer.getvalue()

    return encode


def _png16(channels: int) -> Encode:
    return lambda pixels: imagecodecs.png_encode(np.ascontiguousarray(pixels[..., :channels].squeeze()))


def _jxl(channels: int, depth: int = 8, **options: object) -> Encode:
    def encode(pixels: np.ndarray) -> bytes:
        samples = pixels[..., :channels].squeeze()
        samples = samples if depth == 16 else (samples >> 8).astype(np.uint8)
        return imagecodecs.jpegxl_encode(np.ascontiguousarray(samples), **options)

    return encode


FORMATS: dict[str, dict[str, Encode]] = {
    "PNG": {
        **{mode: _by_pillow("PNG", mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA")},
        "gray 16 bit": _png16(1),
        "RGB 16 bit": _png16(3),
        "RGBA 16 bit": _png16(4),
        "animated": _by_pillow("PNG", "RGB", animated=True),
    },
    "JPEG": {
        "4:4:4": _by_pillow("JPEG", "RGB", subsampling=0, quality=90),
        "4:2:0": _by_pillow("JPEG", "RGB", subsampling=2),
        "gray": _by_pillow("JPEG", "L"),
        "progressive": _by_pillow("JPEG", "RGB", progressive=True),
        "restarts": _by_pillow("JPEG", "RGB", restart_marker_blocks=3),
        "CMYK": _by_pillow("JPEG", "CMYK", subsampling=0),
    },
    "WebP": {
        "lossy": _by_pillow("WEBP", "RGB"),
        "lossy with alpha": _by_pillow("WEBP", "RGBA"),
        "lossless": _by_pillow("WEBP", "RGB", lossless=True),
        "lossless with alpha": _by_pillow("WEBP", "RGBA", lossless=True, exact=True),
        "animated": _by_pillow("WEBP", "RGB", animated=True),
    },
    "GIF": {
        "gray": _by_pillow("GIF", "L"),
        "palette": _by_pillow("GIF", "P"),
        "animated": _by_pillow("GIF", "P", animated=True),
    },
    "AVIF": {mode: _by_pillow("AVIF", mode, speed=10) for mode in ("L", "RGB", "RGBA")},
    "BMP": {mode: _by_pillow("BMP", mode) for mode in ("1", "L", "P", "RGB", "RGBA")},
    "TIFF": {
        "plain": _tiff(),
        "LZW": _tiff(compression="lzw", rowsperstrip=16),
        "LZW, differences": _tiff(compression="lzw", predictor=2, depth=16),
        "deflate": _tiff(compression="zlib", predictor=2),
        "PackBits": _tiff(compression="packbits"),
        "JPEG": _tiff(compression="jpeg", tile=(16, 16)),
        "planes of 16 bit": _tiff(depth=16, planarconfig="separate", compression="lzw"),
        "tiles": _tiff(4, extrasamples=["unassalpha"], compression="lzw", tile=(16, 32)),
        "white is zero": _tiff(1, photometric="miniswhite"),
        "palette": _by_pillow("TIFF", "P", compression="tiff_lzw"),
    },
    "JPEG XL": {
        "lossy": _jxl(3, distance=1.0),
        "lossless": _jxl(3, lossless=True),
        "gray": _jxl(1, lossless=True),
        "RGBA": _jxl(4, lossless=True),
        "RGB 16 bit": _jxl(3, 16, lossless=True),
        "container": _jxl(3, lossless=True, usecontainer=True),
    },
    "HEIC": {"RGB": lambda _pixels: (golden_numbers.FOLDER / "smooth.heic").read_bytes()},
    "camera raw": {"DNG": lambda pixels: dng(np.ascontiguousarray(pixels[..., 0]))},
}
"""Formats, and the ways in which each stores a picture."""


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """Return a damaged copy: bytes overwritten, cut out, inserted, or the end missing."""
    damaged = bytearray(data)
    # Every second damage hits the headers, which are small.
    reach = len(data) if rng.random() < 0.5 else min(len(data), 200)
    place, length = int(rng.integers(0, reach)), int(2 ** rng.integers(0, 6))
    junk = rng.integers(0, 256, length).astype(np.uint8).tobytes()
    kind = rng.integers(0, 6)
    if kind == 0:
        return data[:place]
    if kind == 1:
        del damaged[place : place + length]
    elif kind == 2:
        damaged[place:place] = junk
    elif kind == 3:
        damaged[place] ^= 1 << int(rng.integers(0, 8))
    elif kind == 4:
        damaged[place : place + length] = bytes(len(damaged[place : place + length]))
    else:
        damaged[place : place + length] = junk[: len(damaged[place : place + length])]
    return bytes(damaged)


def mutations(kind: str, count: int) -> Iterator[tuple[str, bytes]]:
    """Yield `count` damaged files of a format, each behind its way of storing."""
    rng, pixels = np.random.default_rng(sum(kind.encode())), photo()
    whole = {way: encode(pixels) for way, encode in FORMATS[kind].items()}
    for index in range(count):
        way = list(whole)[index % len(whole)]
        yield way, mutated(whole[way], rng)


PACKAGES = {"HEIC": "pi_heif", "camera raw": "rawpy"}
"""What is needed for formats that are an extra."""

SUFFIXES = {"camera raw": ".dng"}
"""Formats that are recognised by their suffixes."""


def _only_decoder(kind: str, data: bytes) -> np.ndarray:
    """Decode a format that has one decoder; return RGB ``[H, W, 3]`` uint8."""
    pixels = {"JPEG XL": imagecodecs.jpegxl_decode, "HEIC": decode_heic, "camera raw": develop}[kind](data)
    pixels = pixels if pixels.dtype == np.uint8 else (pixels >> 8).astype(np.uint8)
    return pixels[..., :3] if pixels.ndim == 3 else pixels[..., None].repeat(3, axis=2)


def _other_decoder(kind: str, data: bytes) -> np.ndarray:
    """Decode a format for which the reader has Pillow by another library, RGB ``[H, W, 3]`` uint8."""
    if kind == "BMP":
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    pixels = imagecodecs.gif_decode(data, index=0) if kind == "GIF" else imagecodecs.avif_decode(data)
    coloured = pixels.ndim == 3 and pixels.shape[2] >= 3
    return pixels[..., :3] if coloured else pixels.reshape(*pixels.shape[:2], -1)[..., :1].repeat(3, axis=2)


def strictly_decoded(kind: str, data: bytes) -> np.ndarray | None:
    """Return what another decoder than the reader's, or else the only one, makes of a file, RGB ``[H, W, 3]`` uint8;
    None if it refuses."""
    try:
        if kind in ("JPEG XL", *PACKAGES):
            return _only_decoder(kind, data)
        if kind in ("BMP", "GIF", "AVIF"):
            return _other_decoder(kind, data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(data))
            upright = ImageOps.exif_transpose(image)
            if upright.mode.startswith("I"):
                return np.repeat((np.asarray(upright) >> 8).astype(np.uint8)[..., None], 3, axis=2)
            return np.asarray(upright.convert("RGBA"))[..., :3]
    except Exception:  # it refuses broken files in many ways
        return None


def wrong_answers(kind: str, count: int, path: Path) -> list[str]:
    """Read `count` damaged files of a format and describe every one whose answer is wrong.

    An answer is wrong where it is neither a message that names the file nor a picture that a strict decoder gives,
    too, or that is there whole in spite of the damage; and where it takes long.
    """
    wrong = []
    whole = {way: _read(path, encode(photo())) for way, encode in FORMATS[kind].items()}
    for number, (way, data) in enumerate(mutations(kind, count)):
        began = time.monotonic()
        picture = _read(path, data)
        if time.monotonic() - began > LONGEST:
            wrong.append(f"{kind}, {way}, number {number}: took {time.monotonic() - began:.1f} s")
        if isinstance(picture, str):
            if str(path) not in picture or "\n" in picture:
                wrong.append(f"{kind}, {way}, number {number}: {picture}")
        elif (
            picture is not None
            and not _alike(picture, whole[way])
            and not _alike(picture, strictly_decoded(kind, data))
        ):
            wrong.append(f"{kind}, {way}, number {number}: an unnamed wrong image")
    return wrong


def _read(path: Path, data: bytes) -> np.ndarray | str | None:
    """Return pixels, why there are none, or None if it is said what makes them others than a decoder's: background
    around a smaller image, or colours that the file states."""
    path.write_bytes(data)
    try:
        picture_size(path)
        with collected() as notes:
            pixels = read_picture(path).pixels
    except PictureError as error:
        return str(error)
    if AROUND in notes or any(told.startswith("converted from") for told in notes):
        return None
    return pixels if pixels.dtype == np.uint8 else (pixels >> 8).astype(np.uint8)


def _alike(picture: np.ndarray, other: np.ndarray | str | None) -> bool:
    """Two decoders' arithmetic on inks differs by a few levels."""
    return (
        isinstance(other, np.ndarray)
        and picture.shape == other.shape
        and int(np.abs(picture.astype(int) - other).max()) <= 3
    )
