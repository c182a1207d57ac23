"""Images of a tab: files that were dropped on the page, or a chosen folder; their thumbnails and crops."""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np

from patina.errors import PatinaError, PictureError
from patina.fitting.photo import measure_photo
from patina.imaging.picture_files import picture_size, read_picture, write_picture
from patina.imaging.sources import Source, list_sources
from patina.imaging.value_spaces import to_eight_bit
from patina.pipelines.photo_measurement import photo_row

KINDS = ("real", "clean", "trial")
"""What the images of a set are: photos, clean images, or one photo to try models on."""

THUMBNAIL = 640
"""Longer side in pixels of the small images that the page shows."""

_KEPT_CROPS = 48
"""Crops that stay in memory, so that a slider's change need not read a large photo again."""


@dataclass
class PhotoSet:
    """A set of images.

    Attributes:
        dropped: folder of files that were dropped.
        thumbnails: folder of the small images.
        chosen: a folder that is used in place of the dropped files.
        measured: what was measured of photos, by name.
    """

    dropped: Path
    thumbnails: Path
    chosen: Path | None = None
    measured: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The folder that holds the images."""
        return self.chosen or self.dropped

    @property
    def sources(self) -> list[Source]:
        """The images in natural order; none before anything was dropped."""
        if self.chosen is None and not any(self.dropped.glob("*")):
            return []
        return list_sources(self.folder)

    def source(self, name: str) -> Source:
        """Return an image by its name.

        Raises:
            PatinaError: the set has none of that name.
        """
        for source in self.sources:
            if source.name == name:
                return source
        raise PatinaError(f"there is no image {name[:80]!r} any more; reload the page")

    def free_path(self, name: str) -> Path:
        """Return where a dropped file of some name goes; another name if there is one already.

        Raises:
            PatinaError: the name is no name of an image.
        """
        plain = PurePosixPath(name.replace("\\", "/")).name
        if not plain or plain.startswith(".") or not plain.isprintable() or len(plain.encode()) > 200:
            raise PatinaError(f"{name[:80]!r} cannot be used as a file name; rename the file")
        path, number = self.dropped / plain, 2
        while path.exists():
            path, number = self.dropped / f"{Path(plain).stem}-{number}{Path(plain).suffix}", number + 1
        return path

    def checked(self, path: Path) -> dict[str, Any]:
        """Look at an image that was dropped, whole, and make its thumbnail; what cannot be read is removed.

        Raises:
            PictureError: it cannot be read; the message names the file alone.
        """
        try:
            height, width = picture_size(path)
            self.thumbnail(path.name, read_picture(path, alpha="refuse").pixels)
        except PictureError as error:
            path.unlink(missing_ok=True)
            raise PictureError(self.told(str(error))) from None
        return {"name": path.name, "width": width, "height": height}

    def told(self, text: str) -> str:
        """Return a message without the folder of the dropped files."""
        return text.replace(f"{self.dropped}/", "").replace(str(self.dropped), "the dropped files")

    def thumbnail(self, name: str, pixels: np.ndarray | None = None) -> Path:
        """Return the file of a small version of an image; it is made if there is none."""
        path = self.thumbnails / f"{name.replace('/', '_')}.jpg"
        if not path.is_file():
            if pixels is None:
                pixels = read_picture(self.source(name).path).pixels
            zoom = min(1.0, THUMBNAIL / max(pixels.shape[:2]))
            size = max(1, round(pixels.shape[1] * zoom)), max(1, round(pixels.shape[0] * zoom))
            write_picture(path, to_eight_bit(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)), quality=82)
        return path

    def measure(self, name: str) -> dict[str, Any]:
        """Return what is measured of a photo; see `photo_row`.

        Raises:
            PictureError: it is no photo, or cannot be read.
        """
        if name not in self.measured:
            try:
                self.measured[name] = photo_row(measure_photo(self.source(name).path, name))
            except PictureError as error:
                raise PictureError(self.told(str(error)).replace(f"{self.folder}/", "")) from None
        return self.measured[name]

    def forget(self) -> None:
        """Forget everything about the images before another folder or other files take their place."""
        self.measured.clear()
        for path in self.thumbnails.glob("*.jpg"):
            path.unlink()


class CropCache:
    """Crops of large photos that were read before."""

    def __init__(self) -> None:
        """Begin empty."""
        self._crops: OrderedDict[tuple[Any, ...], np.ndarray] = OrderedDict()
        self._lock = threading.Lock()

    def crop(self, path: Path, centre: tuple[float, float], side: int, multiple: int = 8) -> np.ndarray:
        """Return a square crop, ``[h, w, 3]``, uint8 or uint16, whose corner and sides are multiples.

        Args:
            path: the image.
            centre: of the crop, from 0 to 1 along the width and the height.
            side: longest side in pixels.
            multiple: of corner and sides, so that a JPEG's blocks stay where they are.

        Raises:
            PictureError: the image cannot be read, or is smaller than `multiple`.
        """
        key = (path, path.stat().st_mtime_ns, tuple(round(part, 4) for part in centre), side, multiple)
        with self._lock:
            if key in self._crops:
                self._crops.move_to_end(key)
                return self._crops[key]
        pixels = read_picture(path, alpha="refuse").pixels
        found = np.ascontiguousarray(_square(pixels, centre, side, multiple))
        if found.size == 0:
            raise PictureError(f"{path.name} is {pixels.shape[1]}x{pixels.shape[0]}; expected {multiple} on each side")
        with self._lock:
            self._crops[key] = found
            while len(self._crops) > _KEPT_CROPS:
                self._crops.popitem(last=False)
        return found


def _square(pixels: np.ndarray, centre: tuple[float, float], side: int, multiple: int) -> np.ndarray:
    (height, width), (x, y) = pixels.shape[:2], centre
    parts = []
    for length, middle in ((height, y), (width, x)):
        size = min(side, length) // multiple * multiple
        first = min(max(0, round(middle * length - size / 2)), length - size) // multiple * multiple
        parts.append(slice(first, first + size))
    return pixels[parts[0], parts[1]]
