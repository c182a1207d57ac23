"""Decoded pictures kept in memory up to a limit, because decoding costs more than cropping a patch."""

from collections import OrderedDict
from pathlib import Path

import numpy as np

from patina.imaging.picture_files import read_picture


class PictureCache:
    """The most recently used pictures, at most `max_bytes` of them.

    Every worker process of a data loader has its own cache.

    Args:
        max_bytes: limit for all cached pixels together; 0 keeps nothing.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._pictures: OrderedDict[Path, np.ndarray] = OrderedDict()
        self._bytes = 0

    def get(self, path: Path) -> np.ndarray:
        """Return the pixels of a picture, from memory if they are cached.

        Args:
            path: an image file without transparency.

        Returns:
            RGB pixels ``[H, W, 3]``, uint8 or uint16. The array is read-only because later calls share it.

        Raises:
            PictureError: the file cannot be read or has an alpha channel.
        """
        if path in self._pictures:
            self._pictures.move_to_end(path)
            return self._pictures[path]
        pixels = read_picture(path, alpha="refuse").pixels
        pixels.flags.writeable = False
        self._keep(path, pixels)
        return pixels

    def _keep(self, path: Path, pixels: np.ndarray) -> None:
        if pixels.nbytes > self.max_bytes:
            return
        self._pictures[path] = pixels
        self._bytes += pixels.nbytes
        while self._bytes > self.max_bytes:
            _, oldest = self._pictures.popitem(last=False)
            self._bytes -= oldest.nbytes
