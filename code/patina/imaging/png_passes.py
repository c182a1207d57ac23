"""Interlaced PNGs: each of Adam7's seven passes is decoded as a PNG of its own.

imagecodecs decodes interlaced files, too, but libpng then prints a line of its own for each.
"""

import struct
import zlib
from collections.abc import Callable

import numpy as np

from patina.imaging.integrity import png_chunks

_PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
"""First row, first column, and steps between rows and columns (PNG specification, 8.2)."""

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Stored values per pixel by type of colour."""

_HEADER = ">IIBBBBB"


def is_interlaced(data: bytes) -> bool:
    """Whether a PNG, whose header was inspected, is interlaced."""
    return data[28] == 1


def decode_passes(data: bytes, decode: Callable[[bytes], np.ndarray]) -> np.ndarray:
    """Decode an interlaced PNG.

    Args:
        data: the whole file, whose header was inspected.
        decode: decodes a PNG that is not interlaced.

    Returns:
        What `decode` gives for the same image without interlacing.

    Raises:
        ValueError: the compressed data are damaged, or fewer or more than the image needs.
    """
    chunks = {kind: data[start : start + length] for kind, start, length in png_chunks(data) if kind != b"IDAT"}
    stream = b"".join(data[start : start + length] for kind, start, length in png_chunks(data) if kind == b"IDAT")
    width, height, bits, colour, *_ = struct.unpack(_HEADER, chunks[b"IHDR"])
    sizes = [(-(-(height - y) // down), -(-(width - x) // right)) for y, x, down, right in _PASSES]
    row = [1 + (columns * bits * _CHANNELS[colour] + 7) // 8 for _, columns in sizes]
    lengths = [rows * bytes_ if columns else 0 for (rows, columns), bytes_ in zip(sizes, row, strict=True)]
    plain = _inflated(stream, sum(lengths))
    pixels, at = None, 0
    for (y, x, down, right), (rows, columns), length in zip(_PASSES, sizes, lengths, strict=True):
        if length:
            shown = struct.pack(_HEADER, columns, rows, bits, colour, 0, 0, 0)
            parts = {b"IHDR": shown, b"PLTE": chunks.get(b"PLTE"), b"tRNS": chunks.get(b"tRNS")}
            parts |= {b"IDAT": zlib.compress(plain[at : at + length], 0), b"IEND": b""}
            part = decode(data[:8] + b"".join(_chunk(kind, body) for kind, body in parts.items() if body is not None))
            pixels = np.empty((height, width, *part.shape[2:]), part.dtype) if pixels is None else pixels
            pixels[y::down, x::right] = part
        at += length
    if pixels is None:
        raise ValueError("no pixels")
    return pixels


def _inflated(stream: bytes, size: int) -> bytes:
    inflating = zlib.decompressobj()
    try:
        plain = inflating.decompress(stream, size + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if len(plain) != size or not inflating.eof:
        raise ValueError("the compressed data are fewer or more than its pixels need")
    return plain


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
