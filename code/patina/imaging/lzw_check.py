"""Whether LZW data of a TIFF decode to a given number of bytes, without decoding them (TIFF 6.0, section 13).

LZW has no checksum, and decoders trust its codes: some read beyond their table on damaged data. All codes between two
clearings of the table have known widths, so they are read and checked as arrays.
"""

import numpy as np

CLEAR, END = 256, 257
_FIRST = 258
"""The first code that stands for several bytes."""

_MOST = 4096 - _FIRST + 1
"""Codes after which a table of 12 bits is full, and must be cleared."""

_SLACK = 3
"""Bytes that may follow the last code: padding, or a code for the end that is a bit too short."""

# Before code number k after a clearing, the table has k - 1 entries of its own; codes grow one entry early.
_TABLE_SIZES = _FIRST + np.maximum(np.arange(_MOST) - 1, 0)
_WIDTHS = 9 + np.sum(_TABLE_SIZES[:, None] >= (511, 1023, 2047), axis=1)
_ENDS = np.cumsum(_WIDTHS)


def lzw_damage(data: bytes | bytearray, size: int) -> str:
    """Return what is wrong with LZW data that should decode to `size` bytes; an empty string for nothing."""
    padded = np.concatenate([np.frombuffer(data, np.uint8), np.zeros(4, np.uint8)]).astype(np.uint32)
    position, found, bits = 9, 0, 8 * len(data)
    if bits < 9 or int(_codes(padded, 0, bits)[0]) != CLEAR:
        return "LZW data do not begin with a cleared table"
    while found < size:
        codes = _codes(padded, position, bits)
        special = np.flatnonzero((codes == CLEAR) | (codes == END))
        own = codes[: special[0]] if special.size else codes
        if np.any(own >= _FIRST + np.arange(own.size)) or np.any(own[:1] > 255):
            return "an LZW code is not in the table yet"
        ends = found + np.cumsum(_lengths(own))
        reached = int(np.searchsorted(ends, size))
        if reached < own.size:
            behind = position + int(_ENDS[reached])
            return _damage_at_end(codes[reached + 1 : reached + 2], int(ends[reached]), size, data[(behind + 7) // 8 :])
        found = int(ends[-1]) if own.size else found
        if not special.size or codes[special[0]] == END:
            return f"LZW data end after {found} bytes instead of {size}" if found < size else ""
        position += int(_ENDS[own.size])
    return ""


def _codes(padded: np.ndarray, position: int, bits: int) -> np.ndarray:
    """Return the codes behind a clearing, as if it were the last one."""
    starts = position + _ENDS - _WIDTHS
    starts = starts[starts + _WIDTHS <= bits]
    widths, first = _WIDTHS[: starts.size], starts >> 3
    windows = padded[first] << 16 | padded[first + 1] << 8 | padded[first + 2]
    return (windows >> (24 - (starts & 7) - widths).astype(np.uint32) & ((1 << widths) - 1).astype(np.uint32)).astype(
        np.int64
    )


def _lengths(codes: np.ndarray) -> np.ndarray:
    """Return the number of bytes that every code stands for: one more than the code that its entry was made from."""
    source = np.where(codes >= _FIRST, codes - _FIRST, np.arange(codes.size))
    steps = (codes >= _FIRST).astype(np.int64)
    while np.any(steps[source]):
        steps += steps[source]
        source = source[source]
    return steps + 1


def _damage_at_end(following: np.ndarray, end: int, size: int, rest: bytes | bytearray) -> str:
    if end != size:
        return f"LZW data give {end} bytes or more instead of {size}"
    is_over = not following.size or following[0] in (CLEAR, END) or len(rest) <= _SLACK or not any(rest)
    return "" if is_over else f"LZW data go on after {size} bytes"
