"""How a file says that it was compressed: JPEG's quantisation tables and subsampling, WebP's quantiser.

JPEG: ITU-T T.81, annexes B.2 (markers), K.1 (example tables). WebP: RFC 6386, sections 9.2 to 9.6 (frame header) and
7.3 (boolean decoder).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from patina.system.stored_files import file_bytes

Table = tuple[int, ...]
"""64 divisors of the DCT coefficients, row by row from the mean to the finest."""

_LUMA = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51,
    87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
"""The luma table that encoders scale by their quality (T.81, table K.1)."""

_CHROMA = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, *[99] * 38,
)  # fmt: skip
"""The chroma table (T.81, table K.2)."""

_STANDALONE = {0x01, *range(0xD0, 0xD8)}
"""Markers without a length."""

_FRAMES = {0xC0: False, 0xC1: False, 0xC2: True}
"""Whether a frame of this marker is progressive."""


@dataclass(frozen=True)
class CompressionHeader:
    """What a lossy file says about its compression.

    Attributes:
        format: ``"jpeg"`` or ``"webp"``.
        quality: 1 to 100 as encoders count it; the nearest one where `standard` is False.
        standard: whether all tables are libjpeg's for that quality; always True for WebP.
        tables: JPEG's tables of luma and chroma; one for gray files, none for WebP.
        subsampling: ``"4:4:4"``, ``"4:2:2"``, ``"4:2:0"``, ``"4:4:0"``, ``"4:1:1"`` or ``"other"``; empty for gray.
        progressive: whether a JPEG is stored in several scans.
    """

    format: str
    quality: int
    standard: bool = True
    tables: tuple[Table, ...] = ()
    subsampling: str = ""
    progressive: bool = False


def read_compression_header(path: Path) -> CompressionHeader | None:
    """Return how a file was compressed; None for lossless files and for headers that cannot be read.

    Raises:
        OSError: the file cannot be read.
    """
    data = file_bytes(path)
    try:
        if data[:2] == b"\xff\xd8":
            return _jpeg_header(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp_header(data)
    except (IndexError, ValueError):
        return None
    return None


def standard_table(quality: int, *, chroma: bool = False) -> Table:
    """Return libjpeg's luma table, or its chroma table, of a quality from 1 to 100."""
    factor = 5000 // quality if quality < 50 else 200 - 2 * quality
    return tuple(min(255, max(1, (entry * factor + 50) // 100)) for entry in (_CHROMA if chroma else _LUMA))


def nearest_quality(luma: Table) -> int:
    """Return the quality whose standard table is nearest to a luma table.

    Nearest is the smallest mean difference of logarithms, because a quality scales a table.
    """
    logs, qualities = _standard_logs()
    distances = np.abs(logs - np.log(np.array(luma, np.float64))).mean(axis=1)
    return qualities[int(np.argmin(distances))]


@cache
def _standard_qualities() -> dict[tuple[Table, ...], int]:
    """Return the best quality that has these tables, of luma alone and of luma and chroma."""
    found: dict[tuple[Table, ...], int] = {}
    for quality in range(1, 101):
        luma = standard_table(quality)
        found |= {(luma,): quality, (luma, standard_table(quality, chroma=True)): quality}
    return found


@cache
def _standard_logs() -> tuple[np.ndarray, list[int]]:
    """Return the logarithms of all standard tables, best quality first among equal ones."""
    qualities = list(range(100, 0, -1))
    return np.log(np.array([standard_table(quality) for quality in qualities], np.float64)), qualities


def _jpeg_header(data: bytes) -> CompressionHeader | None:
    tables: dict[int, Table] = {}
    for marker, body in _segments(data):
        if marker == 0xDB:
            tables |= _quantisation_tables(body)
        elif marker in _FRAMES:
            components = [(body[i + 1] >> 4, body[i + 1] & 15, body[i + 2]) for i in range(6, 6 + 3 * body[5], 3)]
            used = tuple(tables[number] for number in dict.fromkeys(number for _, _, number in components))
            standard = _standard_qualities().get(used[:2])
            quality = nearest_quality(used[0]) if standard is None else standard
            subsampling = _subsampling(components) if len(components) > 1 else ""
            return CompressionHeader("jpeg", quality, standard is not None, used, subsampling, _FRAMES[marker])
    return None


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the marker and the content of every segment before the first scan."""
    place = 2
    while place < len(data):
        if data[place] != 0xFF:
            raise ValueError("a marker is missing")
        marker = data[place + 1]
        if marker == 0xFF or marker in _STANDALONE:
            place += 1 if marker == 0xFF else 2
            continue
        if marker == 0xDA:
            return
        length = int.from_bytes(data[place + 2 : place + 4], "big")
        yield marker, data[place + 4 : place + 2 + length]
        place += 2 + length


def _quantisation_tables(body: bytes) -> dict[int, Table]:
    """Return the tables of a DQT segment by number (T.81, B.2.4.1), out of their zigzag order."""
    found, place = {}, 0
    while place < len(body):
        width, number = 1 + (body[place] >> 4), body[place] & 15
        values = [int.from_bytes(body[place + 1 + width * i : place + 1 + width * (i + 1)], "big") for i in range(64)]
        if min(values) < 1:
            raise ValueError("a divisor is zero")
        found[number] = tuple(int(value) for value in np.array(values)[np.argsort(_zigzag())])
        place += 1 + 64 * width
    return found


@cache
def _zigzag() -> tuple[int, ...]:
    """Return the place, row by row, of every coefficient in zigzag order (T.81, figure A.6)."""
    places = sorted(
        ((row, column) for row in range(8) for column in range(8)),
        key=lambda place: (sum(place), place[0] if sum(place) % 2 else place[1]),
    )
    return tuple(8 * row + column for row, column in places)


def _subsampling(components: list[tuple[int, int, int]]) -> str:
    """Name the ratio of luma's sampling factors to chroma's (T.81, A.1.1)."""
    (width, height, _), (chroma_width, chroma_height, _) = components[:2]
    names = {"1x1": "4:4:4", "2x1": "4:2:2", "2x2": "4:2:0", "1x2": "4:4:0", "4x1": "4:1:1"}
    return names.get(f"{width / chroma_width:g}x{height / chroma_height:g}", "other")


def _webp_header(data: bytes) -> CompressionHeader | None:
    place = 12
    while place + 8 <= len(data):
        name, length = data[place : place + 4], int.from_bytes(data[place + 4 : place + 8], "little")
        if name == b"VP8 ":
            quantiser = _vp8_quantiser(data[place + 8 : place + 8 + length])
            return CompressionHeader("webp", _webp_quality(quantiser), subsampling="4:2:0")
        place += 8 + length + length % 2
    return None


def _webp_quality(quantiser: float) -> int:
    """Return libwebp's quality for a quantiser index from 0 to 127, which is 127 (1 - linear(quality)^(1/3)).

    libwebp moves the quantisers of the four segments around that by what they show, so the quality is right to 10.
    """
    linear = (1 - quantiser / 127) ** 3
    return int(np.clip(round(100 * (1.5 * linear if linear < 0.5 else (linear + 1) / 2)), 0, 100))


def _vp8_quantiser(frame: bytes) -> float:
    """Return the median quantiser index of a key frame's segments (RFC 6386, 9.3 and 9.6)."""
    if frame[3:6] != b"\x9d\x01\x2a":
        raise ValueError("no key frame")
    bits = _BooleanDecoder(frame[10:])
    bits.number(2)  # colour space and clamping
    absolute, segments = False, [0, 0, 0, 0]
    if bits.number(1):
        absolute, segments = _segment_quantisers(bits)
    bits.number(10)  # loop filter: type, level, sharpness
    if bits.number(1) and bits.number(1):
        for _ in range(8):
            bits.signed(6)
    bits.number(2)  # partitions
    base = bits.number(7)
    return float(np.median([np.clip(value + (0 if absolute else base), 0, 127) for value in segments]))


def _segment_quantisers(bits: "_BooleanDecoder") -> tuple[bool, list[int]]:
    """Return whether the segments' quantisers are absolute, and the four of them."""
    has_map, has_values = bits.number(1), bits.number(1)
    absolute, values = False, [0, 0, 0, 0]
    if has_values:
        absolute = bool(bits.number(1))
        values = [bits.signed(7) for _ in range(4)]
        for _ in range(4):
            bits.signed(6)  # loop filter levels
    if has_map:
        for _ in range(3):
            if bits.number(1):
                bits.number(8)
    return absolute, values


class _BooleanDecoder:
    """Reads bits of probability one half from VP8's arithmetic code (RFC 6386, 7.3)."""

    def __init__(self, data: bytes):
        self._data = data
        self._value = int.from_bytes(data[:2], "big")
        self._place, self._range, self._shifts = 2, 255, 0

    def number(self, bits: int) -> int:
        """Return an unsigned number of so many bits, highest first."""
        found = 0
        for _ in range(bits):
            found = 2 * found + self._bit()
        return found

    def signed(self, bits: int) -> int:
        """Return an optional number with its sign behind it; 0 where it is left out."""
        if not self.number(1):
            return 0
        value = self.number(bits)
        return -value if self.number(1) else value

    def _bit(self) -> int:
        split = 1 + ((self._range - 1) * 128 >> 8)
        bit = self._value >= split << 8
        if bit:
            self._range -= split
            self._value -= split << 8
        else:
            self._range = split
        while self._range < 128:
            self._value <<= 1
            self._range <<= 1
            self._shifts += 1
            if self._shifts == 8:
                self._shifts = 0
                self._value |= self._data[self._place] if self._place < len(self._data) else 0
                self._place += 1
        return int(bit)
