"""Centre crops for validation and previews."""

from pathlib import Path

from torch import Tensor

from patina.data.cache import PictureCache
from patina.imaging.crop_and_pad import centre_crop
from patina.imaging.value_spaces import to_tensor


def load_centre_crop(path: Path, side: int) -> Tensor:
    """Return the centre crop of a picture, ``[3, side, side]`` in [0, 1]."""
    return to_tensor(centre_crop(PictureCache(0).get(path), side))
