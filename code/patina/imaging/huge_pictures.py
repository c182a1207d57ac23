"""Pictures larger than the memory, row by row: read by libvips (extra ``huge``), written as PNG or TIFF.

Only opaque, upright PNGs and TIFFs are read so. What the ordinary reader does to colours is done to every row.
"""

import errno
import os
import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from patina.errors import PictureError, unreadable_file
from patina.imaging.colour_spaces import to_srgb
from patina.imaging.integrity import inspect
from patina.imaging.picture_header import BrokenPicture, PictureHeader
from patina.imaging.size_limit import pixel_limit
from patina.system.atomic import atomic_path
from patina.system.progress import progress_by_rows
from patina.system.stored_files import mapped_file, store_of

WRITTEN = (".png", ".tif")
"""Suffixes of files that are written row by row."""

_KINDS = ("PNG", "TIFF")
_OPAQUE = ("b-w", "grey16", "srgb", "rgb", "rgb16")
_TYPES: dict[str, np.dtype] = {"uchar": np.dtype(np.uint8), "ushort": np.dtype(np.uint16)}
_STRIP = 64
_SYSTEM_ERROR = re.compile(r"^(?:system|unix) error: (.+)$", re.MULTILINE)
_NUMBERS = {os.strerror(number): number for number in errno.errorcode if number != errno.EINVAL}


def reads_huge() -> bool:
    """Return whether the extra ``huge`` is installed."""
    return find_spec("pyvips") is not None


def is_huge(path: Path) -> bool:
    """Whether a picture is above the limit of what is decoded at once, and may be read by `RowReader`."""
    if not reads_huge() or store_of(path) is not None:
        return False
    try:
        with mapped_file(path) as data:
            header = inspect(data, thorough=False)
    except (OSError, ValueError):  # the ordinary reader tells what is wrong
        return False
    return header.kind in _KINDS and header.height * header.width > pixel_limit()


class RowReader:
    """Rows of a PNG or TIFF, read from the top to the bottom; the memory holds those that are asked for.

    Args:
        path: the file.

    Attributes:
        height, width: in pixels.
        dtype: uint8 or uint16.
        gray: the file stores one colour channel.

    Raises:
        PictureError: the file cannot be read, is damaged, turned by EXIF data, partly transparent or of another kind
            of pixels.
    """

    def __init__(self, path: Path):
        self._path = path
        self._header = self._inspected()
        self.height, self.width, self.gray = self._header.height, self._header.width, self._header.gray
        image, self._region = self._opened()
        if image.bands not in (1, 3) or image.format not in _TYPES or image.interpretation not in _OPAQUE:
            raise PictureError(f"{path} exceeds the limit of megapixels; larger images must be opaque and grey or RGB")
        if self._header.orientation != 1 or (image.height, image.width) != (self.height, self.width):
            raise PictureError(f"{path} exceeds the limit of megapixels; larger images must be stored upright")
        self.dtype, self._channels = _TYPES[image.format], image.bands
        self._first = self._next = self._asked = 0
        self._kept = np.empty((0, self.width, 3), self.dtype)

    def rows(self, start: int, stop: int) -> np.ndarray:
        """Return rows ``[stop - start, W, 3]`` in sRGB; `start` may lie before that of the last call, not further.

        Raises:
            PictureError: the file cannot be read, or is damaged.
        """
        self._kept = self._kept[max(0, min(self._asked, start) - self._first) :]
        self._first = self._next - len(self._kept)
        self._asked = start
        if stop > self._next:
            self._kept = np.concatenate([self._kept, self._read(self._next, stop)])
            self._next = stop
        return self._kept[start - self._first : stop - self._first]

    def _inspected(self) -> PictureHeader:
        try:
            with mapped_file(self._path) as data:
                return inspect(data, thorough=False)
        except BrokenPicture as error:
            raise PictureError(f"{self._path} {error}") from None
        except OSError as error:
            raise unreadable_file(self._path, error) from None

    def _opened(self) -> tuple[Any, Any]:
        import pyvips

        try:
            image = pyvips.Image.new_from_file(os.fspath(self._path), access="sequential", fail_on="error")
            return image, pyvips.Region.new(image)
        except pyvips.Error as error:
            raise self._told(error) from None

    def _read(self, start: int, stop: int) -> np.ndarray:
        import pyvips

        try:
            data = self._region.fetch(0, start, self.width, stop - start)
        except pyvips.Error as error:
            raise self._told(error) from None
        rows = np.frombuffer(data, self.dtype).reshape(stop - start, self.width, self._channels)
        pixels = np.repeat(rows, 3, axis=2) if self._channels == 1 else rows
        return to_srgb(np.ascontiguousarray(pixels), self._header.colours, gray=self.gray)

    def _told(self, error: Exception) -> PictureError:
        """Return what is wrong; libvips has errors of the operating system among its words, by their names."""
        told = _SYSTEM_ERROR.search(str(error))
        if told and (number := _NUMBERS.get(told[1])) is not None:
            return unreadable_file(self._path, OSError(number, told[1]))
        reason = str(error).strip().splitlines()[-1]
        return PictureError(f"{self._path} is damaged or truncated ({reason}); copy it again or remove it")


def write_rows(path: Path, bands: Iterable[np.ndarray], height: int, width: int, dtype: np.dtype, gray: bool) -> None:
    """Write a picture that comes in bands from the top to the bottom; the file appears whole or not at all.

    How many rows are done is shown as progress.

    Args:
        path: the file, with a suffix of `WRITTEN`.
        bands: ``[h, W, 3]`` each, or ``[h, W]`` for `gray`.
        height, width: of the whole picture.
        dtype: uint8 or uint16.
        gray: whether one channel is stored.

    Raises:
        PatinaError: the file cannot be written.
        PictureError: from `bands`.
    """
    bands = progress_by_rows(bands, path.name, rows_of=len, total=height)
    with atomic_path(path) as temporary:
        if path.suffix == ".png":
            _write_png(temporary, bands, height, width, dtype, gray)
        else:
            _write_tiff(temporary, bands, height, width, dtype, gray)


def _write_png(path: Path, bands: Iterable[np.ndarray], height: int, width: int, dtype: np.dtype, gray: bool) -> None:
    """Write PNG's chunks (ISO/IEC 15948), every row as its difference from the one above (filter 2)."""
    packer = zlib.compressobj(6)
    above = np.zeros((1, width * (1 if gray else 3) * dtype.itemsize), np.uint8)
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        depth, colour = 8 * dtype.itemsize, 0 if gray else 2
        file.write(_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)))
        for band in bands:
            rows = np.ascontiguousarray(band.astype(dtype.newbyteorder(">"))).view(np.uint8).reshape(len(band), -1)
            differences = rows - np.concatenate([above, rows[:-1]])
            filtered = np.concatenate([np.full((len(rows), 1), 2, np.uint8), differences], axis=1)
            file.write(_chunk(b"IDAT", packer.compress(filtered.tobytes())))
            above = rows[-1:]
        file.write(_chunk(b"IDAT", packer.flush()) + _chunk(b"IEND", b""))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _write_tiff(path: Path, bands: Iterable[np.ndarray], height: int, width: int, dtype: np.dtype, gray: bool) -> None:
    import tifffile

    with tifffile.TiffWriter(path, bigtiff=height * width * 3 * dtype.itemsize > 2**31) as writer:
        writer.write(
            _strips(bands), shape=(height, width) if gray else (height, width, 3), dtype=dtype,
            photometric="minisblack" if gray else "rgb", rowsperstrip=_STRIP, compression="zlib", metadata=None,
        )  # fmt: skip


def _strips(bands: Iterable[np.ndarray]) -> Iterator[bytes]:
    """Divide bands of any height into compressed strips of one."""
    left: np.ndarray | None = None
    for band in bands:
        rows = band if left is None else np.concatenate([left, band])
        whole = len(rows) // _STRIP * _STRIP
        for start in range(0, whole, _STRIP):
            yield zlib.compress(rows[start : start + _STRIP].tobytes())
        left = rows[whole:]
    if left is not None and len(left):
        yield zlib.compress(left.tobytes())
