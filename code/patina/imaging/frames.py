"""The images of animated and multi-page files: ``a.gif/frame-0003.png`` is the third frame, as an image of its own."""

import io
import os
import re
import struct
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

from patina.errors import PictureError
from patina.imaging.plugin_pictures import UnreadablePlugin, open_with_plugin
from patina.system.stored_files import FRAME_NAME, file_bytes, register_frames

MANY_SUFFIXES = (".gif", ".webp", ".png", ".apng", ".tif", ".tiff", ".avif", ".jxl")
"""Suffixes of files that may hold several images."""

_PNG, _TIFF, _BIG_TIFF = b"\x89PNG", (b"II*\0", b"MM\0*"), (b"II+\0", b"MM\0+")
_PROFILE = "icc_profile"


def frame_paths(path: Path) -> list[Path]:
    """Return the paths of a file's images, in order; of a file of one image, or a damaged one, the path itself."""
    count = _count(path) if path.suffix.lower() in MANY_SUFFIXES else 1
    return [path / f"frame-{number:04d}.png" for number in range(1, count + 1)] if count > 1 else [path]


def stem_of_frame(name: str) -> str:
    """Return the stem of a frame's results, ``a_0003``; of another image, its name without suffix."""
    return os.path.splitext(re.sub(r"\.[^./]+/frame-(\d+)\.png$", r"_\1.png", name))[0]


def _count(path: Path) -> int:
    try:
        return len(_Many(file_bytes(path)))
    except (OSError, PictureError):  # reading it tells
        return 1


def _frame(path: Path, name: str) -> bytes:
    """Return an image of a file as a file of its own.

    Raises:
        OSError: the file cannot be read, or has no such image.
        PictureError: it is damaged.
    """
    found = FRAME_NAME.fullmatch(name)
    if found is None:
        raise FileNotFoundError(2, "no such image in it")
    state = path.stat()
    with _lock:  # frames are read one after the other, which the libraries are made for
        try:
            return _opened(path, state.st_size, state.st_mtime_ns)[int(found[1]) - 1]
        except PictureError as error:
            raise PictureError(f"{path / name} {error}") from None


_lock = Lock()


@lru_cache(maxsize=2)
def _opened(path: Path, _size: int, _mtime_ns: int) -> "_Many":
    return _Many(path.read_bytes())


register_frames(_frame)


class _Many:
    """The images of a file, each as the bytes of a file."""

    def __init__(self, data: bytes):
        self._data = data
        self._length, self._part = self._reader()

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, place: int) -> bytes:
        if not 0 <= place < self._length:
            raise FileNotFoundError(2, "no such image in it")
        try:
            return self._part(place)
        except Exception as error:  # damaged files end in anything
            reason = " ".join(str(error).split())[:100] or type(error).__name__
            raise PictureError(f"cannot be decoded ({reason}); save it again or remove it") from None

    def _reader(self) -> tuple[int, Callable[[int], bytes]]:
        data = self._data
        if data[:4] in _TIFF + _BIG_TIFF:
            starts = _directories(data)
            return len(starts), lambda place: _from_directory(data, starts[place])
        if data[:2] == b"\xff\x0a" or data[4:8] == b"JXL ":
            frames = _jxl_frames(data)
            return len(frames), lambda place: _as_png(Image.fromarray(frames[place]), {})
        kind = _kind(data)
        if kind is None:
            return 1, lambda place: data
        try:
            image = PngImagePlugin.PngImageFile(io.BytesIO(data)) if kind == "PNG" else open_with_plugin(kind, data)
            length = int(getattr(image, "n_frames", 1))
        except (UnreadablePlugin, OSError, SyntaxError, ValueError, EOFError):
            return 1, lambda place: data
        return length, lambda place: _from_plugin(image, place)


def _kind(data: bytes) -> str | None:
    if data[:4] == b"RIFF":
        return "WebP" if b"ANIM" in data[:64] else None
    if data[:4] == b"GIF8":
        return "GIF"
    if data[:4] == _PNG:
        return "PNG" if b"acTL" in data[:4096] else None
    return "AVIF" if data[4:12] in (b"ftypavis", b"ftypavif") else None


def _from_plugin(image: Any, place: int) -> bytes:
    image.seek(place)
    image.load()
    has_alpha = image.mode.endswith("A") or "transparency" in image.info
    return _as_png(image.convert("RGBA" if has_alpha else "RGB"), image.info)


def _as_png(image: Image.Image, info: dict[Any, Any]) -> bytes:
    file = io.BytesIO()
    exif = info.get("exif") or b""
    image.save(file, "PNG", compress_level=1, icc_profile=info.get(_PROFILE), **({"exif": exif} if exif else {}))
    return file.getvalue()


def _jxl_frames(data: bytes) -> np.ndarray:
    import imagecodecs

    try:
        found = np.asarray(imagecodecs.jpegxl_decode(data))
    except (imagecodecs.JpegxlError, ValueError, RuntimeError):
        return np.empty((1, 0, 0), np.uint8)
    return found if found.ndim == 4 and found.dtype == np.uint8 else found[None]


def _directories(data: bytes) -> list[int]:
    """Return where the directories of a TIFF's pages begin, without smaller copies and masks of a page."""
    order, big = ("<" if data[:2] == b"II" else ">"), data[:4] in _BIG_TIFF
    count_code, offset_code, entry_size = ("Q", "Q", 20) if big else ("H", "I", 12)
    found: list[int] = []
    place = 8 if big else 4
    try:
        while (start := struct.unpack_from(order + offset_code, data, place)[0]) and start not in found:
            entries = struct.unpack_from(order + count_code, data, start)[0]
            first = start + struct.calcsize(count_code)
            tags = {struct.unpack_from(order + "H", data, first + number * entry_size)[0]: number
                    for number in range(entries)}  # fmt: skip
            kind = 0
            if 254 in tags:
                kind = struct.unpack_from(order + "I", data, first + tags[254] * entry_size + (12 if big else 8))[0]
            if not kind & 5 or not found:
                found.append(start)
            place = first + entries * entry_size
    except struct.error:
        return found or [0]
    return found or [0]


def _from_directory(data: bytes, start: int) -> bytes:
    """Return a TIFF that begins with another of its pages."""
    order = "<" if data[:2] == b"II" else ">"
    if data[:4] in _BIG_TIFF:
        return data[:8] + struct.pack(order + "Q", start) + data[16:]
    return data[:4] + struct.pack(order + "I", start) + data[8:]
