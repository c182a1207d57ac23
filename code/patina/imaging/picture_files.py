"""Pictures in and out: the only module that reads and writes picture files.

Four value spaces meet here and are converted nowhere else: files; pixels, ``[H, W, 3]`` RGB uint8 or uint16; values,
float32 ``[H, W, 3]`` in [0, 1], on which classical degradations work; and tensors, float32 ``[3, H, W]`` in [0, 1].
"""

from __future__ import annotations

import io
import mmap
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import cv2
import numpy as np
import simplejpeg
from natsort import natsorted
from PIL import Image, ImageOps

from patina.errors import PatinaError, PictureError
from patina.imaging.integrity import BrokenPicture, Header, inspect
from patina.system.atomic import atomic_path

if TYPE_CHECKING:
    import torch

T = TypeVar("T")

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
"""File name endings of the pictures that Patina reads and writes, in lower case."""

_LOSSLESS_16_BIT = (".png", ".tif", ".tiff")
_NO_ALPHA = (".jpg", ".jpeg", ".bmp")  # most programs ignore the alpha of a BMP, and OpenCV 4 writes none

MAX_PIXELS = 2**30
"""Larger pictures are refused, as OpenCV does."""

STRAY_BYTES = 16
"""As many bytes that belong to no pixel are let pass in a JPEG: some cameras leave a few."""

_JPEG_WARNING = "Corrupt JPEG data: "
_JPEG_DAMAGE = re.compile(r"premature end|bad Huffman code|(?P<bytes>\d+) extraneous bytes")

# OpenCV's remarks about broken files say less than our own; OpenCV 5 moved the switch.
_set_log_level = cv2.setLogLevel if hasattr(cv2, "setLogLevel") else cv2.utils.logging.setLogLevel
_set_log_level(0)


@dataclass(frozen=True)
class Picture:
    """A decoded picture, upright.

    Attributes:
        pixels: ``[H, W, 3]`` RGB, uint8 or uint16.
        alpha: ``[H, W]`` in the same dtype, None where the picture is opaque everywhere.
        gray: the file stores one colour channel (the three channels of `pixels` are equal).
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    gray: bool = False

    @property
    def height(self) -> int:
        """Rows."""
        return self.pixels.shape[0]

    @property
    def width(self) -> int:
        """Columns."""
        return self.pixels.shape[1]

    @property
    def max_value(self) -> int:
        """The value of white: 255 or 65535."""
        return int(np.iinfo(self.pixels.dtype).max)


# Reading


def read_picture(path: Path | str, *, alpha: Literal["keep", "refuse"] = "keep") -> Picture:
    """Read a PNG, JPEG, WebP, BMP or TIFF picture, turned upright as its EXIF orientation says.

    The first picture of an animation or a multi-page file is read. An alpha channel that is opaque everywhere is
    dropped.

    Args:
        path: the file; its content decides the format.
        alpha: ``"refuse"`` where transparency has no meaning, as in training data.

    Raises:
        PictureError: the file is missing, unreadable, empty, cut off, damaged, no picture, of an unsupported kind,
            or transparent where that is refused.
    """
    path = Path(path)
    _check_suffix(path)
    data = _read_bytes(path)
    header = _inspect(path, data)
    picture = _to_picture(path, header, _decode(path, header, data))
    if alpha == "refuse" and picture.alpha is not None:
        raise PictureError(f"{path} is partly transparent; training pictures must be opaque: flatten or remove it")
    return picture


def each_readable(paths: Iterable[Path], read: Callable[[Path], T]) -> Iterator[T]:
    """Yield what `read` makes of each picture, without those that cannot be read.

    Raises:
        PictureError: that of the first picture, where none can be read.
    """
    failures, found = [], False
    for path in paths:
        try:
            result = read(path)
        except PictureError as error:
            failures.append(error)
            continue
        found = True
        yield result
    if failures and not found:
        raise failures[0]


def picture_size(path: Path | str) -> tuple[int, int]:
    """Return the upright ``(height, width)`` of a picture file from its headers alone.

    Raises:
        PictureError: the file is missing, unreadable, empty or its headers are broken.
    """
    path = Path(path)
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _inspect(path, data, thorough=False).upright_size
    except OSError as error:
        raise _unreadable(path, error) from None
    except ValueError:  # mmap of an empty file
        raise _empty(path) from None


def list_pictures(folder: Path | str) -> list[Path]:
    """Return the pictures directly in `folder`, in natural order; hidden files and other suffixes are left out.

    Subfolders are not looked into, which is said once.

    Raises:
        PatinaError: `folder` is missing, is no folder, cannot be read or contains no pictures.
    """
    folder = Path(folder)
    if not folder.exists():
        raise PatinaError(f"{folder} does not exist; expected a folder of pictures")
    if not folder.is_dir():
        raise PatinaError(f"{folder} is not a folder; expected a folder of pictures")
    try:
        entries = [entry for entry in os.scandir(folder) if not entry.name.startswith(".")]
        names = [entry.name for entry in entries if _is_picture(entry)]
        subfolders = [entry.name for entry in entries if entry.is_dir()]
    except OSError as error:
        raise PatinaError(f"{folder} cannot be read: {error.strerror}") from None
    if not names:
        inside = f", not in its subfolders ({subfolders[0]}, …)" if subfolders else ""
        raise PatinaError(f"{folder} contains no pictures; expected files ending in {', '.join(SUFFIXES)}{inside}")
    if subfolders:
        _mention_subfolders(folder, len(subfolders))
    return [folder / name for name in natsorted(names)]


def _is_picture(entry: os.DirEntry[str]) -> bool:
    return entry.name.lower().endswith(SUFFIXES) and entry.is_file()


@cache
def _mention_subfolders(folder: Path, count: int) -> None:
    print(
        f"{folder}: pictures in its {count} subfolders are left out; prepare, degrade, translate and upscale take them "
        "with -recursive",
        file=sys.stderr,
    )


def _check_suffix(path: Path) -> None:
    if path.suffix.lower() not in SUFFIXES:
        raise PictureError(f"{path} has an unsupported suffix; expected one of {', '.join(SUFFIXES)}")


def _read_bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from None
    if not data:
        raise _empty(path)
    return data


def _unreadable(path: Path, error: OSError) -> PictureError:
    return PictureError(f"{path} cannot be read ({error.strerror}); check the name and its permissions")


def _empty(path: Path) -> PictureError:
    return PictureError(f"{path} is an empty file; copy it again or remove it")


def _inspect(path: Path, data: bytes | mmap.mmap, *, thorough: bool = True) -> Header:
    try:
        return inspect(data, thorough=thorough)
    except BrokenPicture as error:
        raise PictureError(f"{path} {error}") from None


def _decode(path: Path, header: Header, data: bytes) -> np.ndarray:
    """Return the upright pixels as OpenCV orders them: ``[H, W]``, BGR or BGRA."""
    if header.height * header.width > MAX_PIXELS:
        raise PictureError(
            f"{path} is {header.width}x{header.height}; expected at most {MAX_PIXELS:,} pixels: cut it into pieces"
        )
    if header.alpha_needs_pillow:
        pixels = _decode_alpha_with_pillow(data)
    elif header.kind == "JPEG":
        pixels = _decode_jpeg(path, header, data)
    else:
        pixels = _decode_with_opencv(header, data)
    if pixels is None:
        raise PictureError(f"{path} is a {header.kind} that cannot be decoded; save it again or remove it")
    if pixels.dtype not in (np.uint8, np.uint16):
        raise PictureError(f"{path} has {pixels.dtype} pixels; convert it to 8 or 16 bit")
    return pixels


def _decode_jpeg(path: Path, header: Header, data: bytes) -> np.ndarray | None:
    """Decode with libjpeg-turbo itself: OpenCV, which gives the same pixels, keeps what it says of damage to itself."""
    try:
        pixels = simplejpeg.decode_jpeg(data, "GRAY" if header.gray else "BGR")
    except ValueError as error:
        reason = str(error).removeprefix(_JPEG_WARNING)
        damage = _JPEG_DAMAGE.match(reason)
        if damage and int(damage["bytes"] or STRAY_BYTES + 1) > STRAY_BYTES:
            raise PictureError(f"{path} is damaged inside ({reason}); copy it again or remove it") from None
        return _decode_with_opencv(header, data)
    return _upright(pixels[..., 0] if header.gray else pixels, header.orientation)


def _decode_with_opencv(header: Header, data: bytes) -> np.ndarray | None:
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if pixels is None or header.kind == "TIFF":  # the TIFF decoder, alone among them, turns pictures upright itself
        return pixels
    return _upright(pixels, header.orientation)


def _decode_alpha_with_pillow(data: bytes) -> np.ndarray | None:
    try:
        with Image.open(io.BytesIO(data)) as image:
            pixels = np.asarray(ImageOps.exif_transpose(image).convert("RGBA"))
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    return pixels[..., [2, 1, 0, 3]]


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Undo an EXIF orientation (CIPA DC-008, tag 274)."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    # After the transposition the eight cases are the four flips.
    flip_rows = orientation in (3, 4, 7, 8)
    flip_columns = orientation in (2, 3, 6, 7)
    return pixels[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]


def _to_picture(path: Path, header: Header, pixels: np.ndarray) -> Picture:
    if pixels.ndim == 2:
        return Picture(np.repeat(pixels[..., None], 3, axis=2), gray=True)
    if pixels.shape[2] not in (3, 4):
        raise PictureError(f"{path} has {pixels.shape[2]} channels; expected gray or RGB, with or without alpha")
    alpha = np.ascontiguousarray(pixels[..., 3]) if pixels.shape[2] == 4 else None
    if alpha is not None and (alpha == np.iinfo(alpha.dtype).max).all():
        alpha = None
    to_rgb = cv2.COLOR_BGRA2RGB if pixels.shape[2] == 4 else cv2.COLOR_BGR2RGB
    return Picture(cv2.cvtColor(np.ascontiguousarray(pixels), to_rgb), alpha, header.gray)


# Writing


def write_picture(path: Path | str, pixels: np.ndarray, alpha: np.ndarray | None = None, *, quality: int = 95) -> None:
    """Write a picture in the format of `path`'s suffix; the file appears whole or not at all.

    Args:
        path: the file; its folder is made.
        pixels: ``[H, W, 3]`` RGB or ``[H, W]`` gray, uint8 or uint16.
        alpha: ``[H, W]`` in the same dtype, or None.
        quality: 1 to 100 for JPEG and WebP; the other formats are lossless.

    Raises:
        PictureError: the format cannot hold this picture (16 bit, alpha, size), or has an unsupported suffix.
        PatinaError: the file cannot be written, e.g. because the disk is full.
    """
    path = Path(path)
    _check_suffix(path)
    _check_holds(path, pixels, alpha)
    encoded = _encode(path, _to_opencv(pixels, alpha), quality)
    with atomic_path(path) as temporary:
        temporary.write_bytes(encoded)


def png_bytes(pixels: np.ndarray) -> bytes:
    """Return ``[H, W, 3]`` RGB or ``[H, W]`` gray pixels, uint8 or uint16, as the bytes of a PNG file."""
    return _encode(Path("picture.png"), _to_opencv(pixels, None), quality=0)


def _check_holds(path: Path, pixels: np.ndarray, alpha: np.ndarray | None) -> None:
    suffix = path.suffix.lower()
    if pixels.dtype not in (np.uint8, np.uint16):
        raise TypeError(f"expected uint8 or uint16 pixels, got {pixels.dtype}")
    if pixels.dtype == np.uint16 and suffix not in _LOSSLESS_16_BIT:
        raise PictureError(f"{path}: {suffix} cannot hold 16-bit pixels; write .png or .tif")
    if alpha is not None and suffix in _NO_ALPHA:
        raise PictureError(f"{path}: {suffix} cannot hold transparency; write .png, .webp or .tif")


def _to_opencv(pixels: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """Return ``[H, W]``, BGR or BGRA."""
    if pixels.ndim == 2 and alpha is None:
        return pixels
    bgr = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_GRAY2BGR if pixels.ndim == 2 else cv2.COLOR_RGB2BGR)
    return np.ascontiguousarray(bgr if alpha is None else np.dstack([bgr, alpha]))


def _encode(path: Path, pixels: np.ndarray, quality: int) -> bytes:
    parameters = {
        ".jpg": [cv2.IMWRITE_JPEG_QUALITY, quality],
        ".jpeg": [cv2.IMWRITE_JPEG_QUALITY, quality],
        ".webp": [cv2.IMWRITE_WEBP_QUALITY, quality],
    }
    suffix = path.suffix.lower()
    try:
        written, encoded = cv2.imencode(suffix, pixels, parameters.get(suffix, []))
    except cv2.error:
        written = False
    if not written:
        height, width = pixels.shape[:2]
        raise PictureError(f"{path}: {suffix} cannot hold {width}x{height} pixels; write .png or .tif")
    return encoded.tobytes()


# Values


def to_values(pixels: np.ndarray) -> np.ndarray:
    """Turn uint8 or uint16 pixels into float32 values in [0, 1] of the same shape."""
    return pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)


def values_to_pixels(values: np.ndarray, dtype: type[np.unsignedinteger] | np.dtype = np.uint8) -> np.ndarray:
    """Turn float32 values into pixels of the same shape: clipped to [0, 1], rounded half to even."""
    return np.rint(values.clip(0, 1) * np.float32(np.iinfo(dtype).max)).astype(dtype)


def to_eight_bit(pixels: np.ndarray) -> np.ndarray:
    """Bring uint8 or uint16 pixels to uint8; those that are stay the same array."""
    return pixels if pixels.dtype == np.uint8 else values_to_pixels(to_values(pixels), np.uint8)


# Tensors. Torch is imported when it is first needed: processes that only prepare pictures start much faster.


def to_tensor(pixels: np.ndarray) -> torch.Tensor:
    """Turn ``[H, W, 3]`` uint8 or uint16 pixels into a float32 tensor ``[3, H, W]`` in [0, 1]."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(to_values(pixels).transpose(2, 0, 1)))


def to_pixels(tensor: torch.Tensor, dtype: type[np.unsignedinteger] | np.dtype = np.uint8) -> np.ndarray:
    """Turn a float tensor ``[3, H, W]`` into ``[H, W, 3]`` pixels: clamped to [0, 1], rounded half to even."""
    values = tensor.detach().cpu().float().numpy()
    return np.ascontiguousarray(values_to_pixels(values, dtype).transpose(1, 2, 0))
