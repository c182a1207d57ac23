"""A small camera raw file: a DNG, made here."""

import struct

import numpy as np

_SHORT, _LONG, _BYTE, _TEXT, _FRACTION = 3, 4, 1, 2, 10
_CODES = {_SHORT: "H", _LONG: "I", _BYTE: "B", _TEXT: "B", _FRACTION: "i"}


def dng(mosaic: np.ndarray) -> bytes:
    """Return a DNG of an RGGB mosaic, 16 bit; its sensor sees XYZ."""
    height, width = mosaic.shape
    unit = [number for row in np.eye(3, dtype=int) for value in row for number in (int(value), 1)]
    tags = {
        254: (_LONG, [0]), 256: (_LONG, [width]), 257: (_LONG, [height]), 258: (_SHORT, [16]), 259: (_SHORT, [1]),
        262: (_SHORT, [32803]), 271: (_TEXT, b"Maker\0"), 272: (_TEXT, b"Camera\0"), 273: (_LONG, [8]),
        274: (_SHORT, [6]), 277: (_SHORT, [1]), 278: (_LONG, [height]), 279: (_LONG, [mosaic.nbytes]),
        33421: (_SHORT, [2, 2]), 33422: (_BYTE, [0, 1, 1, 2]), 50706: (_BYTE, [1, 4, 0, 0]),
        50708: (_TEXT, b"Maker Camera\0"), 50717: (_LONG, [65535]), 50721: (_FRACTION, unit),
        50728: (5, [1, 1, 1, 1, 1, 1]), 50778: (_SHORT, [21]),
    }  # fmt: skip
    start = 8 + mosaic.nbytes
    entries, beyond = b"", b""
    room = start + 2 + 12 * len(tags) + 4
    for tag, (code, values) in tags.items():
        packed = bytes(values) if code == _TEXT else struct.pack(f"<{len(values)}{_CODES.get(code, 'I')}", *values)
        count = len(values) // (2 if code in (5, _FRACTION) else 1)
        if len(packed) > 4:
            entries += struct.pack("<HHII", tag, code, count, room + len(beyond))
            beyond += packed + b"\0" * (len(packed) % 2)
        else:
            entries += struct.pack("<HHI", tag, code, count) + packed.ljust(4, b"\0")
    header = b"II*\0" + struct.pack("<I", start)
    return header + mosaic.tobytes() + struct.pack("<H", len(tags)) + entries + bytes(4) + beyond
