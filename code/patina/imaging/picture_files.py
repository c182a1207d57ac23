"""Picture files in and out: the only module that reads and writes them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np

from patina.errors import PatinaError, PictureError, counted, unreadable_file
from patina.imaging.camera_raw import develop, is_raw, raw_header
from patina.imaging.colour_spaces import to_srgb, usable_profile
from patina.imaging.decoding import decode
from patina.imaging.encoding import NO_METADATA, FileMetadata, encode
from patina.imaging.folder_scan import (
    HEIC_HINT,
    HEIC_SUFFIXES,
    RAW_HINT,
    RAW_SUFFIXES,
    WRITTEN_SUFFIXES,
    read_suffixes,
    scan_folder,
    tell_once,
)
from patina.imaging.format_names import QUALITY
from patina.imaging.integrity import inspect
from patina.imaging.picture_header import BrokenPicture, PictureHeader
from patina.imaging.stored_sets import is_stored_set, list_stored, tars_in
from patina.imaging.tiff_pages import tiff_pages
from patina.system.atomic import atomic_path
from patina.system.lack_of_memory import recognising_lack_of_memory
from patina.system.notes import note
from patina.system.stored_files import FRAME_NAME, file_bytes, mapped_file

T = TypeVar("T")


@dataclass(frozen=True)
class Picture:
    """A decoded picture, upright.

    Attributes:
        pixels: ``[H, W, 3]`` RGB, uint8 or uint16.
        alpha: ``[H, W]`` of the same dtype; None for a picture that is opaque everywhere.
        gray: the file stores one colour channel (the three channels of `pixels` are equal).
        profile: the ICC profile of `pixels` where it was asked to be kept; empty for sRGB.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    gray: bool = False
    profile: bytes = b""

    @property
    def height(self) -> int:
        """Number of rows."""
        return self.pixels.shape[0]

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.pixels.shape[1]

    @property
    def max_value(self) -> int:
        """The value of white: 255 or 65535."""
        return int(np.iinfo(self.pixels.dtype).max)


# Reading


def read_picture(path: Path | str, *, alpha: Literal["keep", "refuse"] = "keep", keep_profile: bool = False) -> Picture:
    """Read a picture of any format of `read_suffixes`, in sRGB and turned upright by its EXIF orientation.

    Colours of another space (an ICC profile, PNG's gAMA, cHRM or cICP) are converted, and noted by `patina.system`.
    Animations and multi-page files give their first picture. An alpha channel that is opaque everywhere is dropped.

    Args:
        path: the file; its content decides the format.
        alpha: ``"refuse"`` where transparency has no meaning, as in training data.
        keep_profile: leave the colours of an RGB picture in the space of its ICC profile, and return that.

    Raises:
        PictureError: the file is missing, unreadable, empty, truncated, damaged, not a supported picture, or
            transparent where that is refused.
    """
    path = Path(path)
    _check_suffix(path, read_suffixes())
    data = picture_bytes(path)
    try:
        with recognising_lack_of_memory():  # a decoder without memory calls the file damaged
            if is_raw(path):
                return Picture(develop(data))
            header = inspect(data)
            pixels = decode(header, data)
    except BrokenPicture as error:
        raise PictureError(f"{path} {error}") from None
    if header.kind == "TIFF" and not FRAME_NAME.fullmatch(path.name) and tiff_pages(data).damage:
        note("read alone, as what follows in the file is damaged")
    picture = _to_picture(pixels, header, keep_profile)
    if alpha == "refuse" and picture.alpha is not None:
        raise PictureError(f"{path} is partly transparent; training images must be opaque: flatten or remove it")
    return picture


def picture_bytes(path: Path) -> bytes:
    """Return the content of a picture's file.

    Raises:
        PictureError: the file is missing, unreadable or empty.
    """
    try:
        with recognising_lack_of_memory():
            data = file_bytes(path)
    except OSError as error:
        raise unreadable_file(path, error) from None
    if not data:
        raise _empty(path)
    return data


def readable(paths: Iterable[Path], read: Callable[[Path], T]) -> Iterator[T]:
    """Yield ``read(path)`` for every picture that can be read, and skip the others.

    Raises:
        PictureError: the first picture's error, if no picture can be read.
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
    """Return the upright ``(height, width)`` of a picture, read from the file's headers alone.

    Raises:
        PictureError: the file is missing, unreadable, empty, or its headers are broken.
    """
    path = Path(path)
    try:
        with recognising_lack_of_memory(), mapped_file(path) as data:
            header = raw_header(bytes(data[:])) if is_raw(path) else inspect(data, thorough=False)
            return header.upright_size
    except BrokenPicture as error:
        raise PictureError(f"{path} {error}") from None
    except OSError as error:
        raise unreadable_file(path, error) from None
    except ValueError:  # mmap of an empty file
        raise _empty(path) from None


def list_pictures(folder: Path | str, part: str | None = None, recursive: bool = False) -> list[Path]:
    """Return the pictures in `folder`, in natural order, without hidden files and other suffixes.

    Other files are left out, and subfolders unless `recursive`, with one note each on standard error per folder.

    Args:
        folder: a folder of pictures, or a set in stores, see `list_stored`.
        part: of pairs in one set of tars, which to take, ``"lq"`` or ``"gt"``.
        recursive: include pictures in subfolders, but not in linked ones.

    Raises:
        PatinaError: `folder` is missing, is not a folder, cannot be read, or contains no pictures.
    """
    folder = Path(folder)
    if is_stored_set(folder):
        return [picture.path for picture in list_stored(folder, part)]
    scan = scan_folder(folder, recursive)
    if not scan.names:
        if tars_in(folder):
            return [picture.path for picture in list_stored(folder, part)]
        hint = "name one of these, or include them: -recursive, in most trainings recursive: true"
        inside = f"; its subfolders ({scan.subfolders[0]}, …) were not searched: {hint}" if scan.subfolders else ""
        other = f"; {scan.told()}" if scan.left_out else ""
        suffixes, where = ", ".join(read_suffixes()), " and its subfolders contain" if recursive else " contains"
        raise PatinaError(f"{folder}{where} no images; expected files ending in {suffixes}{inside}{other}")
    if scan.subfolders:
        tell_once(
            f"{folder}: ignoring the images in its {counted(len(scan.subfolders), 'subfolder')}; most commands "
            "include them with -recursive, most trainings with recursive: true"
        )
    return [folder / name for name in scan.names]


def _check_suffix(path: Path, suffixes: tuple[str, ...]) -> None:
    suffix = path.suffix.lower()
    if suffix in HEIC_SUFFIXES and suffix not in suffixes:
        raise PictureError(f"{path} is HEIC, which needs another package to be read: {HEIC_HINT}")
    if suffix in RAW_SUFFIXES and suffix not in suffixes:
        raise PictureError(f"{path} is a camera raw, which needs another package to be read: {RAW_HINT}")
    if suffix not in suffixes:
        raise PictureError(f"{path} has an unsupported suffix; expected one of {', '.join(suffixes)}")


def _empty(path: Path) -> PictureError:
    return PictureError(f"{path} is an empty file; copy it again or remove it")


def _to_picture(decoded: np.ndarray, header: PictureHeader, keep_profile: bool) -> Picture:
    """Split the channels of `patina.imaging.decoding.decode`."""
    channels = 1 if decoded.ndim == 2 else decoded.shape[2]
    alpha = np.ascontiguousarray(decoded[..., -1]) if channels in (2, 4) else None
    if alpha is not None and (alpha == np.iinfo(alpha.dtype).max).all():
        alpha = None
    gray = header.gray or channels < 3
    if channels >= 3:
        pixels = np.ascontiguousarray(decoded[..., :3])
    else:
        pixels = np.repeat(decoded.reshape(*decoded.shape[:2], channels)[..., :1], 3, axis=2)
    if keep_profile and not gray and (profile := usable_profile(header.colours)):
        return Picture(pixels, alpha, gray, profile)
    return Picture(to_srgb(pixels, header.colours, gray=gray, inks=header.channels == 4), alpha, gray)


# Writing


def write_picture(
    path: Path | str,
    pixels: np.ndarray,
    alpha: np.ndarray | None = None,
    *,
    quality: int | None = QUALITY,
    metadata: FileMetadata = NO_METADATA,
) -> None:
    """Write a picture in the format of `path`'s suffix; the file appears whole or not at all.

    Args:
        path: the file; its folder is created.
        pixels: ``[H, W, 3]`` RGB or ``[H, W]`` gray, uint8 or uint16.
        alpha: ``[H, W]`` of the same dtype, or None.
        quality: 1 to 100 for JPEG, WebP and AVIF; None for lossless WebP. The other formats are lossless.
        metadata: EXIF data and the profile of the pixels' colours; BMP takes none.

    Raises:
        PictureError: the suffix is unsupported, or its format cannot store this picture (16 bit, alpha, size).
        PatinaError: the file cannot be written, e.g. because the disk is full.
    """
    path = Path(path)
    _check_suffix(path, WRITTEN_SUFFIXES)
    encoded = encode(path, pixels, alpha, quality, metadata)
    with atomic_path(path) as temporary:
        temporary.write_bytes(encoded)


def png_bytes(pixels: np.ndarray) -> bytes:
    """Encode ``[H, W, 3]`` RGB or ``[H, W]`` gray pixels, uint8 or uint16, as a PNG file in memory."""
    return encode(Path("picture.png"), pixels)
