"""The crops that validations show."""

from pathlib import Path

import numpy as np
from torch import Tensor

from patina.data.cache import PictureCache
from patina.imaging.files import to_tensor


def centre(path: Path, side: int) -> Tensor:
    """Cut a square out of a picture's middle: ``[3, side, side]`` in [0, 1]."""
    pixels = PictureCache(0).get(path)
    top, left = (pixels.shape[0] - side) // 2, (pixels.shape[1] - side) // 2
    return to_tensor(np.ascontiguousarray(pixels[top : top + side, left : left + side]))
