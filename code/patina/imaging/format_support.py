"""Which image formats are read and written here, found out by trying each on a small image."""

import io
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
from PIL import Image, features

from patina.imaging.folder_scan import HEIC_HINT, RAW_HINT
from patina.imaging.picture_files import read_picture, write_picture
from patina.imaging.plugin_pictures import decode_with_plugin
from patina.imaging.recompress import avif, jpeg2000

_SIDE = 16
_WRITTEN = {"PNG": ".png", "JPEG": ".jpg", "WebP": ".webp", "TIFF": ".tif", "BMP": ".bmp"}
ALWAYS_READ = (*_WRITTEN, "GIF")
"""Formats that every installation reads."""

_PLAIN_IMAGECODECS = "pip install --upgrade imagecodecs"
_NEWER_PILLOW = "pip install --upgrade 'pillow>=11.3'"


@dataclass(frozen=True)
class FormatSupport:
    """What is possible with a format.

    Attributes:
        name: the format.
        abilities: some of "read", "written" and "in recipes".
        expected: those that a complete installation has.
        remedy: how to get what is missing, or what to do without it; may be empty.
    """

    name: str
    abilities: tuple[str, ...]
    expected: tuple[str, ...]
    remedy: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether it has all that a complete installation has."""
        return set(self.abilities) >= set(self.expected)


def format_support() -> list[FormatSupport]:
    """Try every format, and return what is possible."""
    picture = np.uint8(np.indices((_SIDE, _SIDE)).sum(axis=0) * 4)[..., None].repeat(3, axis=2)
    again = ("in recipes",)
    found = [FormatSupport(name, _tried(suffix, picture), ("read", "written")) for name, suffix in _WRITTEN.items()]
    return [
        *found,
        FormatSupport("GIF", _works("read", lambda: _decoded_gif(picture)), ("read",)),
        FormatSupport(
            "AVIF",
            (("read",) if features.check("avif") else ())
            + tuple(ability for ability in _tried(".avif", picture) if ability == "written")
            + _works(*again, lambda: avif(picture, 80)),
            ("read", "written", *again),
            _NEWER_PILLOW,
        ),
        FormatSupport("HEIC", _works("read", lambda: import_module("pi_heif")), ("read",), HEIC_HINT),
        FormatSupport(
            "JPEG 2000", _works(*again, lambda: jpeg2000(picture, 4)), again, f"{_NEWER_PILLOW}; its files are not read"
        ),
        FormatSupport("JPEG XL", _works("read", _decoded_jxl), ("read",), _PLAIN_IMAGECODECS),
        FormatSupport("camera raw", _works("read", lambda: import_module("rawpy")), ("read",), RAW_HINT),
    ]


def _tried(suffix: str, picture: np.ndarray) -> tuple[str, ...]:
    with tempfile.TemporaryDirectory(prefix="patina-doctor-") as folder:
        path = Path(folder) / f"tried{suffix}"
        written = _works("written", lambda: write_picture(path, picture))
        return _works("read", lambda: read_picture(path)) + written if written else ()


def _decoded_gif(picture: np.ndarray) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "GIF")
    return decode_with_plugin("GIF", file.getvalue())


def _decoded_jxl() -> np.ndarray:
    import imagecodecs

    return np.asarray(imagecodecs.jpegxl_decode(imagecodecs.jpegxl_encode(np.zeros((8, 8, 3), np.uint8))))


def _works(ability: str, attempt: Callable[[], object]) -> tuple[str, ...]:
    try:
        attempt()
    except Exception:  # whatever a codec fails with, it is of no use
        return ()
    return (ability,)
