"""Tars that a stranger may give: damaged, with headers that lie, and with names and links that lead elsewhere."""

import io
import tarfile
from collections.abc import Callable

import numpy as np

from campaign import OUTSIDE
from mutated_files import mutated

Members = dict[str, bytes]
Attack = Callable[[Members, np.random.Generator], bytes]

BLOCK = 512
NAMES = ["../x.png", "../../x.png", str(OUTSIDE), "a/../../x.png", "..", "", "\n.png", "a" * 300 + ".png", "-x.png"]
SIZES = [-1, -BLOCK, -(2**40), 2**31, 2**33 - 1, 2**40, 2**62]
HEADERS = [
    "path",
    "size",
    "linkpath",
    "GNU.sparse.map",
    "GNU.sparse.size",
    "GNU.sparse.major",
    "GNU.sparse.name",
    "hdrcharset",
]
VALUES = ["../x.png", "-1024", "abc", "", "1,2,3", "9" * 30, "\0", "1" * 5000]
LINKS = [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE, b"Z"]


def written(members: Members, change: Callable[[tarfile.TarInfo, int], None] = lambda _info, _number: None) -> bytes:
    """Return a tar of members whose headers are changed first."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for number, (name, data) in enumerate(members.items()):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            change(info, number)
            tar.addfile(info, io.BytesIO(data) if info.size == len(data) else None)
            if info.size != len(data):
                buffer.write(data)
    return buffer.getvalue()


def damaged(members: Members, rng: np.random.Generator) -> bytes:
    """Return a tar with damage anywhere."""
    return mutated(written(members), rng)


def lying(members: Members, rng: np.random.Generator) -> bytes:
    """Return a tar with a header of any bytes, whose checksum is right."""
    data = bytearray(written(members))
    starts = [place for place in range(0, len(data), BLOCK) if data[place + 257 : place + 262] == b"ustar"]
    start, place, length = int(rng.choice(starts)), int(rng.integers(0, 345)), int(rng.integers(1, 13))
    junk = rng.choice([rng.integers(0, 256, length), np.full(length, 255), np.full(length, 55)], axis=0)
    header = bytearray(mutated(bytes(data[start : start + BLOCK]), rng)[:BLOCK].ljust(BLOCK, b"\0"))
    header[place : place + length] = junk.astype(np.uint8).tobytes()
    header[148:156] = b"%06o\0 " % (sum(header[:148]) + 8 * 32 + sum(header[156:]))
    data[start : start + BLOCK] = header
    return bytes(data)


def huge(members: Members, rng: np.random.Generator) -> bytes:
    """Return a tar with a member that claims any size."""
    chosen, size = int(rng.integers(0, len(members))), int(rng.choice(SIZES))
    kind = rng.choice([b"0", tarfile.DIRTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, b"Z"])
    data = bytearray(written(members))
    starts = [place for place in range(0, len(data), BLOCK) if data[place + 257 : place + 262] == b"ustar"]
    header = data[starts[chosen] : starts[chosen] + BLOCK]
    header[124:136] = (size % 2**96).to_bytes(12, "big")
    header[124] |= 0x80
    header[156:157] = bytes(kind)
    header[148:156] = b"%06o\0 " % (sum(header[:148]) + 8 * 32 + sum(header[156:]))
    data[starts[chosen] : starts[chosen] + BLOCK] = header
    return bytes(data)


def elsewhere(members: Members, rng: np.random.Generator) -> bytes:
    """Return a tar with a name that leads elsewhere."""
    chosen, name = int(rng.integers(0, len(members))), str(rng.choice(NAMES))

    def change(info: tarfile.TarInfo, number: int) -> None:
        info.name = name if number == chosen else info.name

    return written(members, change)


def linked(members: Members, rng: np.random.Generator) -> bytes:
    """Return a tar with a link or a device in place of a file."""
    chosen, name, kind = str(rng.choice(list(members))), str(rng.choice(NAMES)), LINKS[rng.integers(0, len(LINKS))]

    def change(info: tarfile.TarInfo, _number: int) -> None:
        if info.name == chosen:
            info.type, info.linkname = kind, name or "x"

    return written(members | {chosen: b""}, change)


def extended(members: Members, rng: np.random.Generator) -> bytes:
    """Return a tar with an extended header of any values."""
    chosen = int(rng.integers(0, len(members)))
    headers = {str(rng.choice(HEADERS)): str(rng.choice(VALUES)) for _ in range(2)}

    def change(info: tarfile.TarInfo, number: int) -> None:
        if number == chosen:
            info.pax_headers = headers

    return written(members, change)


def nested(members: Members, rng: np.random.Generator) -> bytes:
    """Return a tar with thousands of long names or extended headers in a row, each for the next."""
    kind = rng.choice([tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE])
    info = tarfile.TarInfo("long")
    info.type = bytes(kind)
    return info.tobuf(tarfile.GNU_FORMAT) * int(rng.integers(10, 3000)) + written(members)


ATTACKS: list[Attack] = [damaged, lying, huge, elsewhere, linked, extended, nested]
