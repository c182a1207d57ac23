"""The crops that validations show."""

from pathlib import Path

from torch import Tensor

from patina.data.cache import PictureCache
from patina.imaging.crop_and_pad import centre_crop
from patina.imaging.value_spaces import to_tensor


def centre(path: Path, side: int) -> Tensor:
    """Cut a square out of a picture's middle: ``[3, side, side]`` in [0, 1]."""
    return to_tensor(centre_crop(PictureCache(0).get(path), side))
