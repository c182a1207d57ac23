"""Small files of every format and of every way in which it stores a picture."""

import io
import struct
import zlib
from collections.abc import Callable

import cv2
import imagecodecs
import numpy as np
import tifffile
from PIL import Image

import golden_numbers
from encoded_pictures import encoded, png_chunk
from small_dng import dng

Encode = Callable[[np.ndarray], bytes]
"""From RGBA ``[H, W, 4]``, uint16, to a file."""

HEIGHT, WIDTH = 40, 52


def photo() -> np.ndarray:
    """Return a smooth picture with some noise, RGBA ``[H, W, 4]``, uint16: it compresses, but not to nothing."""
    rng = np.random.default_rng(3)
    coarse = rng.integers(8000, 57000, (5, 6, 4)).astype(np.float32)
    fine = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.clip(fine + rng.normal(0, 300, fine.shape), 0, 65535).astype(np.uint16)


def _by_pillow(kind: str, mode: str, colours: int = 40, **options: object) -> Encode:
    def encode(pixels: np.ndarray) -> bytes:
        image = Image.fromarray((pixels >> 8).astype(np.uint8)).convert("RGB" if mode in ("P", "CMYK") else mode)
        image = image.quantize(colours) if mode == "P" else image.convert(mode)
        more = {"save_all": True, "append_images": [image.rotate(180)]} if options.get("animated") else {}
        return encoded(image, kind, **{name: value for name, value in options.items() if name != "animated"}, **more)

    return encode


def _tiff(channels: int = 3, depth: int = 8, **options: object) -> Encode:
    def encode(pixels: np.ndarray) -> bytes:
        samples = _samples(pixels[..., :channels], depth)
        samples = samples[..., 0] if channels == 1 else samples
        samples = np.moveaxis(samples, 2, 0) if options.get("planarconfig") == "separate" else samples
        buffer = io.BytesIO()
        about = {"photometric": "rgb" if channels > 1 else "minisblack", **options}
        pages = about.pop("pages", 1)
        with tifffile.TiffWriter(
            buffer, **{key: about.pop(key) for key in ("bigtiff", "byteorder") if key in about}
        ) as file:
            for _ in range(pages):
                file.write(samples, **about)
        return buffer.getvalue()

    return encode


def _samples(pixels: np.ndarray, depth: int) -> np.ndarray:
    """Return pixels, uint16, in fewer bits, or as float32 in [0, 1] for a depth of 32."""
    if depth == 32:
        return (pixels / 65535).astype(np.float32)
    return pixels if depth == 16 else (pixels >> (16 - depth)).astype(np.uint8 if depth == 8 else np.uint16)


def _twelve_bits(pixels: np.ndarray) -> bytes:
    """Return a TIFF of 12 bits per sample without compression: two samples in three bytes."""
    even, odd = np.moveaxis((pixels[..., :3] >> 4).reshape(-1, 2).astype(np.uint32), 1, 0)
    packed = np.stack([even >> 4, (even & 15) << 4 | odd >> 8, odd & 255], axis=1).astype(np.uint8).tobytes()
    tags = {256: (4, WIDTH), 257: (4, HEIGHT), 258: (3, 12), 259: (3, 1), 262: (3, 2), 273: (4, 8), 277: (3, 3)}
    tags |= {278: (4, HEIGHT), 279: (4, len(packed))}
    at = 8 + len(packed)
    entries = b""
    for tag, (kind, value) in tags.items():
        count, stored = (3, at) if tag == 258 else (1, value)
        entries += struct.pack("<HHI", tag, kind, count) + (
            struct.pack("<I", stored) if kind == 4 or tag == 258 else struct.pack("<HH", stored, 0)
        )
    depths = struct.pack("<HHHH", 12, 12, 12, 0)
    directory = struct.pack("<H", len(tags)) + entries + struct.pack("<I", 0)
    return struct.pack("<2sHI", b"II", 42, at + len(depths)) + packed + depths + directory


def _interlaced(channels: int, depth: int) -> Encode:
    """Return what writes a PNG in the seven passes of Adam7, rows without a filter."""

    def encode(pixels: np.ndarray) -> bytes:
        samples = pixels[..., :channels] if depth == 16 else pixels[..., :channels] >> 8
        samples = samples.astype(">u2" if depth == 16 else np.uint8)
        passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
        rows = (b"\0" + row.tobytes() for y, x, down, right in passes for row in samples[y::down, x::right])
        header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, 1)
        body = [(b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b"")]
        return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(kind, payload) for kind, payload in body)

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
        "palette of 4 bit": _by_pillow("PNG", "P", colours=12, bits=4),
        "interlaced": _interlaced(3, 8),
        "interlaced RGBA 16 bit": _interlaced(4, 16),
        "animated": _by_pillow("PNG", "RGB", animated=True),
    },
    "JPEG": {
        "4:4:4": _by_pillow("JPEG", "RGB", subsampling=0, quality=90),
        "4:2:0": _by_pillow("JPEG", "RGB", subsampling=2),
        "4:2:2": _by_pillow("JPEG", "RGB", subsampling=1, optimize=True),
        "gray": _by_pillow("JPEG", "L"),
        "gray, progressive": _by_pillow("JPEG", "L", progressive=True),
        "progressive": _by_pillow("JPEG", "RGB", progressive=True),
        "arithmetic": lambda _pixels: (golden_numbers.FOLDER / "arithmetic.jpg").read_bytes(),
        "restarts": _by_pillow("JPEG", "RGB", restart_marker_blocks=3),
        "CMYK": _by_pillow("JPEG", "CMYK", subsampling=0),
        "CMYK, progressive": _by_pillow("JPEG", "CMYK", progressive=True),
    },
    "WebP": {
        "lossy": _by_pillow("WEBP", "RGB"),
        "lossy with alpha": _by_pillow("WEBP", "RGBA"),
        "lossless": _by_pillow("WEBP", "RGB", lossless=True),
        "lossless with alpha": _by_pillow("WEBP", "RGBA", lossless=True, exact=True),
        "animated": _by_pillow("WEBP", "RGB", animated=True),
        "animated, lossless with alpha": _by_pillow("WEBP", "RGBA", lossless=True, exact=True, animated=True),
    },
    "GIF": {
        "gray": _by_pillow("GIF", "L"),
        "palette": _by_pillow("GIF", "P"),
        "rows in order": _by_pillow("GIF", "P", interlace=0),
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
        "bilevel, fax": _by_pillow("TIFF", "1", compression="group4"),
        "BigTIFF": _tiff(bigtiff=True, compression="lzw"),
        "big-endian, 16 bit": _tiff(depth=16, byteorder=">", compression="zlib", predictor=2),
        "gray 16 bit, tiles": _tiff(1, 16, tile=(16, 16), compression="lzw"),
        "CMYK": _tiff(4, photometric="separated", compression="lzw"),
        "12 bit": _twelve_bits,
        "planes": _tiff(planarconfig="separate", compression="packbits"),
        "planes in tiles": _tiff(planarconfig="separate", compression="zlib", tile=(16, 16)),
        "Zstandard": _tiff(compression="zstd", predictor=2),
        "LZMA": _tiff(compression="lzma"),
        "JPEG in strips": _tiff(compression="jpeg", rowsperstrip=16),
        "float, differences": _tiff(depth=32, compression="zlib", predictor=3),
        "pages": _tiff(compression="lzw", pages=3),
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
