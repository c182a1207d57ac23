"""The images of animated and multi-page files: ``a.gif/frame-0003.png`` is the third frame, as an image of its own."""

import errno
import io
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from PIL import PngImagePlugin

from patina.errors import PatinaError, PictureError, is_of_system
from patina.imaging.colour_spaces import png_colour_chunks
from patina.imaging.integrity import inspect, with_png_chunks
from patina.imaging.jpeg_xl import decode_jxl_frame, jxl_frame_count
from patina.imaging.picture_header import BrokenPicture, PictureHeader
from patina.imaging.plugin_pictures import open_with_plugin
from patina.imaging.size_limit import require_size
from patina.imaging.tiff_pages import TIFF_STARTS, page_alone, tiff_pages
from patina.system.places import present
from patina.system.stored_files import FRAME_NAME, register_frames

MANY_SUFFIXES = (".gif", ".webp", ".png", ".apng", ".tif", ".tiff", ".avif", ".jxl")
"""Suffixes of files that may hold several images."""


def frame_paths(path: Path) -> list[Path]:
    """Return the paths of a file's images, in order; of a file of one image, or a damaged one, the path itself.

    Of an animation above the limit of megapixels, it is that of the first image, which cannot be read, because other
    readers could take its first image for the whole.
    """
    try:
        count = _count(path) if path.suffix.lower() in MANY_SUFFIXES else 1
    except _TooLarge:
        return [path / "frame-0001.png"]
    return [path / f"frame-{number:04d}.png" for number in range(1, count + 1)] if count > 1 else [path]


def stem_of_frame(name: str) -> str:
    """Return the stem of a frame's results, ``a_0003``; of another image, its name without suffix."""
    return os.path.splitext(re.sub(r"\.[^./]+/frame-(\d+)\.png$", r"_\1.png", name))[0]


def _count(path: Path) -> int:
    try:
        present(path)
        state = path.stat()
        with _lock:
            return len(_opened(path, state.st_size, state.st_mtime_ns))
    except _TooLarge:
        raise
    except (OSError, PictureError) as error:  # reading it tells, unless it may be read in another moment
        if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
            raise
        return 1


def _frame(path: Path, name: str) -> bytes:
    """Return an image of a file as a file of its own.

    Raises:
        OSError: the file cannot be read, or has no such image.
        PictureError: it is damaged, or larger than the limit.
    """
    found = FRAME_NAME.fullmatch(name)
    if found is None:
        raise FileNotFoundError(2, "no such image in it")
    state = path.stat()
    with _lock:  # frames are read one after the other, which the libraries are made for
        try:
            return _made(path, state.st_size, state.st_mtime_ns, int(found[1]) - 1)
        except PictureError as error:
            raise PictureError(f"{path / name} {error}") from None


_lock = Lock()


@lru_cache(maxsize=2)
def _opened(path: Path, _size: int, _mtime_ns: int) -> "_Many":
    return _Many(path.read_bytes())


@lru_cache(maxsize=4)
def _made(path: Path, size: int, mtime_ns: int, place: int) -> bytes:
    """Return an image of a file; its digest, its size and its pixels are asked for one after the other."""
    return _opened(path, size, mtime_ns)[place]


register_frames(_frame)


class _TooLarge(PictureError):
    """An animation above the limit of megapixels."""


class _Many:
    """The images of a file, each as the bytes of a file.

    Raises:
        PictureError: the file is damaged, or larger than the limit.
    """

    def __init__(self, data: bytes):
        with _damage_named():
            self._length, self._part = _reader(data)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, place: int) -> bytes:
        if not 0 <= place < self._length:
            raise FileNotFoundError(2, "no such image in it")
        with _damage_named():
            return self._part(place)


@contextmanager
def _damage_named() -> Iterator[None]:
    """Turn what libraries raise into a `PictureError`, which continues a sentence."""
    try:
        yield
    except (MemoryError, PatinaError):
        raise
    except BrokenPicture as error:
        raise PictureError(str(error)) from None
    except Exception as error:  # damaged files end in anything
        if is_of_system(error):
            raise
        reason = " ".join(str(error).split())[:100] or type(error).__name__
        raise PictureError(f"cannot be decoded ({reason}); save it again or remove it") from None


def _reader(data: bytes) -> tuple[int, Callable[[int], bytes]]:
    """Return the number of a file's images, and what makes one of them a file, by its place."""
    if data[:4] in TIFF_STARTS:  # every page has a size of its own, which reading it checks
        pages = tiff_pages(data)
        return len(pages), lambda place: page_alone(data, pages, place)
    header = inspect(data, thorough=False)
    if not header.animated:
        return 1, lambda place: data
    try:
        require_size(header)
    except BrokenPicture as error:
        raise _TooLarge(str(error)) from None
    inspect(data)  # the frames before the end of a truncated file would pass for all
    if header.kind == "JPEG XL":
        return jxl_frame_count(data), lambda place: _from_jxl(data, place, header)
    image: Any = (
        PngImagePlugin.PngImageFile(io.BytesIO(data)) if header.kind == "PNG" else open_with_plugin(header.kind, data)
    )
    return image.n_frames, lambda place: _from_plugin(image, place, header)


def _from_plugin(image: Any, place: int, header: PictureHeader) -> bytes:
    image.seek(place)
    require_size(PictureHeader(header.kind, image.height, image.width))  # which a GIF's images may each enlarge
    image.load()
    has_alpha = image.mode.endswith("A") or "transparency" in image.info
    file = io.BytesIO()
    exif = image.info.get("exif") or b""
    image.convert("RGBA" if has_alpha else "RGB").save(
        file, "PNG", compress_level=1, icc_profile=header.colours.profile, **({"exif": exif} if exif else {})
    )
    return with_png_chunks(file.getvalue(), png_colour_chunks(header.colours))


def _from_jxl(data: bytes, place: int, header: PictureHeader) -> bytes:
    import imagecodecs

    png = bytes(imagecodecs.png_encode(decode_jxl_frame(header, data, place), level=1))
    return with_png_chunks(png, png_colour_chunks(header.colours))
