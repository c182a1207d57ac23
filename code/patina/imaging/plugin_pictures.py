"""Pictures that Pillow's plugins decode: BMP, GIF, AVIF and animated WebP.

The plugins are called directly, without Pillow's own limit of the size in `Image.open`: see `size_limit`.
"""

import io
from typing import Any

import numpy as np
from PIL import AvifImagePlugin, BmpImagePlugin, GifImagePlugin, ImageFile, WebPImagePlugin

from patina.errors import is_of_system
from patina.system.notes import note

AROUND = "read with the background around an image that is smaller than its canvas"
"""Note of a GIF whose first image leaves part of the canvas undefined."""


class UnreadablePlugin(ValueError):
    """A file that a plugin cannot open or decode; the message is the reason."""


def open_with_plugin(kind: str, data: bytes) -> ImageFile.ImageFile:
    """Parse a file without decoding its pixels.

    Args:
        kind: ``"BMP"``, ``"GIF"``, ``"AVIF"`` or ``"WebP"``.
        data: the whole file.

    Raises:
        UnreadablePlugin: it is damaged.
    """
    return _guarded(lambda: _PLUGINS[kind](io.BytesIO(data)))


def decode_with_plugin(kind: str, data: bytes) -> np.ndarray:
    """Decode the first picture of a file, as it is stored.

    Returns:
        uint8, gray ``[H, W]``, RGB ``[H, W, 3]`` or RGBA ``[H, W, 4]``.

    Raises:
        UnreadablePlugin: as `open_with_plugin`.
    """
    with open_with_plugin(kind, data) as image:
        return _guarded(lambda: _pixels(image))


_PLUGINS: dict[str, Any] = {
    "AVIF": AvifImagePlugin.AvifImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "WebP": WebPImagePlugin.WebPImageFile,
}


def _pixels(image: ImageFile.ImageFile) -> np.ndarray:
    if image.format == "GIF" and image.tile and image.tile[0].extents not in (None, (0, 0, *image.size)):
        note(AROUND)
    image.load()
    has_alpha = image.mode.endswith("A") or "transparency" in image.info
    mode = "RGBA" if has_alpha else "L" if image.mode in ("1", "L") else "RGB"
    return np.asarray(image.convert(mode))


def _guarded(work: Any) -> Any:
    try:
        return work()
    except (UnreadablePlugin, MemoryError):
        raise
    except Exception as error:  # parsing damaged files can end in anything
        if is_of_system(error):
            raise
        raise UnreadablePlugin(" ".join(str(error).split())[:100] or type(error).__name__) from None
