"""Arguments that several functions of the API share."""

from typing import Literal

import numpy as np

from patina.errors import PatinaError

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "32", "bf16-mixed"]


def checked_picture(picture: np.ndarray) -> np.ndarray:
    """Return the picture.

    Raises:
        PatinaError: it is not ``[H, W, 3]``, uint8 or uint16.
    """
    if not isinstance(picture, np.ndarray):
        raise PatinaError(f"expected an image as an array [H, W, 3], got {type(picture).__name__}")
    if picture.ndim != 3 or picture.shape[2] != 3 or 0 in picture.shape:
        raise PatinaError(f"expected an image [H, W, 3], got an array of shape {list(picture.shape)}")
    if picture.dtype not in (np.uint8, np.uint16):
        raise PatinaError(f"expected uint8 or uint16 pixels, got {picture.dtype}; multiply values in [0, 1] by 255")
    return picture
