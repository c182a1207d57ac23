"""The formats that results are written in, and the EXIF data of a source that go with them."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from patina.errors import PatinaError, require_range
from patina.imaging.camera_raw import is_raw
from patina.imaging.encoding import FileMetadata
from patina.imaging.folder_scan import HEIC_SUFFIXES
from patina.imaging.format_names import QUALITY
from patina.imaging.heic_pictures import heic_header
from patina.imaging.jpeg_xl import jxl_exif
from patina.imaging.picture_files import write_picture
from patina.imaging.value_spaces import to_eight_bit
from patina.system.notes import note
from patina.system.places import present
from patina.system.stored_files import file_bytes, store_of

_PLUGINS = ("PNG", "JPEG", "TIFF", "WEBP", "AVIF", "GIF", "BMP")
_IFD, _EXIF, _GPS = 0, 0x8769, 0x8825
_STALE = {
    _IFD: {0x0100, 0x0101, 0x0102, 0x0103, 0x0111, 0x0112, 0x0116, 0x0117, 0x014A, 0x0201, 0x0202, 0x8773},
    _EXIF: {0x927C, 0xA001, 0xA002, 0xA003, 0xA005},
}
"""Tags that do not hold for the result: sizes, storage, orientation, thumbnails, profiles, and makers' notes, whose
addresses are those of the source."""

_OF_RAWS = frozenset({0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x8298, _EXIF, _GPS})
"""Tags of a camera raw that hold for its picture: maker, model, software, time, artist, copyright, and their parts."""

_EXIF_READERS: dict[str, Callable[[bytes], bytes]] = {
    **dict.fromkeys(HEIC_SUFFIXES, lambda data: heic_header(data).exif),
    ".jxl": jxl_exif,
}
"""What returns the EXIF data of a file, by suffix, where Pillow does not read the format."""

_LONGEST_EXIF = 65_000
"""Bytes; a JPEG's segment holds no more."""


@dataclass(frozen=True)
class WrittenFormat:
    """How results are stored.

    Attributes:
        name: as on the command line.
        suffix: of the files.
        quality: 1 to 100 of a lossy format; None for a lossless one.
        holds_16_bit: whether 16-bit pixels stay so; otherwise they are rounded to 8 bits.
    """

    name: str
    suffix: str
    quality: int | None = None
    holds_16_bit: bool = False

    def write(
        self,
        path: Path,
        pixels: np.ndarray,
        alpha: np.ndarray | None = None,
        source: Path | None = None,
        profile: bytes = b"",
    ) -> None:
        """Write a picture; see `write_picture` for the arguments, and errors.

        Args:
            path: the file, with the format's suffix.
            pixels, alpha: uint8 or uint16.
            source: the file that the picture restores, whose EXIF data it keeps; None for none.
            profile: the ICC profile of the colours; empty for sRGB.
        """
        if pixels.dtype == np.uint16 and not self.holds_16_bit:
            note("rounded to 8 bits, all that the format holds")
            pixels, alpha = to_eight_bit(pixels), None if alpha is None else to_eight_bit(alpha)
        metadata = FileMetadata(b"" if source is None else kept_exif(source), profile)
        write_picture(path, pixels, alpha, quality=self.quality, metadata=metadata)


PNG = WrittenFormat("png", ".png", holds_16_bit=True)

FORMATS = {
    form.name: form
    for form in (
        PNG,
        WrittenFormat("tiff", ".tif", holds_16_bit=True),
        WrittenFormat("webp-lossless", ".webp"),
        WrittenFormat("webp", ".webp", QUALITY),
        WrittenFormat("jpeg", ".jpg", QUALITY),
        WrittenFormat("avif", ".avif", QUALITY),
    )
}
"""All formats by name."""


def written_format(name: str, quality: int | None = None) -> WrittenFormat:
    """Return a format by name.

    Args:
        name: of `FORMATS`.
        quality: of a lossy format; None for `QUALITY`.

    Raises:
        PatinaError: the format is lossless and has no quality, the quality is not from 1 to 100, or the installed
            OpenCV does not write the format.
    """
    form = FORMATS[name]
    if not cv2.haveImageWriter(form.suffix):
        raise PatinaError(f"-format {name}: the installed OpenCV does not write it; update opencv-python-headless")
    if quality is None:
        return form
    if form.quality is None:
        lossy = ", ".join(other.name for other in FORMATS.values() if other.quality is not None)
        raise PatinaError(f"-quality is for lossy formats ({lossy}), but -format is {name}")
    require_range("quality", quality, 1, 100)
    return WrittenFormat(name, form.suffix, quality)


def kept_exif(path: Path) -> bytes:
    """Return the EXIF data of a picture file that also hold for its upright, restored version; empty for none.

    Data that cannot be read are noted and left out.
    """
    Image.init()  # imports the plugins, whose own warnings say nothing of the file
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what Pillow tells of damage
            data = _lasting_exif(path)
    except UnidentifiedImageError:  # a kind of TIFF that Pillow does not know, for example
        return b""
    except Exception:  # damaged EXIF ends in anything; what the picture shows is not touched by it
        note("read without EXIF data, which are damaged")
        return b""
    if len(data) > _LONGEST_EXIF:
        note("written without EXIF data, which are too long")
        return b""
    return data


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Open a file by Pillow, without its limit of the size, which is for decoding; only headers are read here."""
    if (exif_of := _EXIF_READERS.get(path.suffix.lower())) is not None:
        bare = Image.new("L", (1, 1))
        bare.info["exif"] = exif_of(file_bytes(path))
        yield bare
        return
    present(path)
    with path.open("rb") if store_of(path) is None else BytesIO(file_bytes(path)) as stream:
        start = stream.read(16)
        for kind in _PLUGINS:
            factory, accepts = Image.OPEN[kind]
            if accepts is not None and accepts(start) is True:
                stream.seek(0)
                yield factory(stream, str(path))
                return
    raise UnidentifiedImageError


def _lasting_exif(path: Path) -> bytes:
    with _opened(path) as image:
        exif = image.getexif()
        if is_raw(path):
            for tag in set(exif) - _OF_RAWS:
                del exif[tag]
        return _without_stale(exif)


def _without_stale(exif: Image.Exif) -> bytes:
    """Return EXIF data without what does not hold for a result."""
    for part, stale in _STALE.items():
        tags = exif if part == _IFD else exif.get_ifd(part)
        for tag in stale & set(tags):
            del tags[tag]
    for part in (_EXIF, _GPS):  # written only if they were looked at
        if part in exif and not exif.get_ifd(part):
            del exif[part]
    return exif.tobytes().removeprefix(b"Exif\0\0") if len(exif) else b""
