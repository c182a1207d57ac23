"""What all full-reference metrics do first: check the pair, bring it to [0, 1], cut the border."""

from typing import Literal

import numpy as np

from patina.errors import PatinaError
from patina.metrics.luma import to_luma

Space = Literal["rgb", "y"]

_PEAKS = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0, "float64": 1.0}


def comparable(
    a: np.ndarray, b: np.ndarray, *, crop: int, space: Space, minimum: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Bring a pair of pictures into the space they are compared in.

    Args:
        a, b: pictures ``[H, W, C]`` of one shape and dtype: uint8, uint16, or float in [0, 1].
        crop: pixels to cut from every side.
        space: "rgb" keeps the channels; "y" takes the luma of RGB, see `to_luma`.
        minimum: smallest side that must be left.

    Returns:
        Two float64 arrays ``[h, w, c]`` in [0, 1].

    Raises:
        PatinaError: the two cannot be compared, or the border leaves less than `minimum` pixels.
    """
    _check_pair(a, b)
    _check_size(a, crop, minimum)
    return _prepare(a, crop, space), _prepare(b, crop, space)


def _check_pair(a: np.ndarray, b: np.ndarray) -> None:
    if a.ndim != 3 or a.shape != b.shape:
        raise PatinaError(f"pictures of one size [H, W, C] can be compared, not {a.shape} with {b.shape}")
    if a.dtype != b.dtype or a.dtype.name not in _PEAKS:
        raise PatinaError(
            f"pictures of one type out of {', '.join(_PEAKS)} can be compared, not {a.dtype} with {b.dtype}"
        )


def _check_size(picture: np.ndarray, crop: int, minimum: int) -> None:
    height, width = picture.shape[:2]
    if crop < 0:
        raise PatinaError(f"the border to crop is a number of pixels from 0 up, not {crop}")
    if min(height, width) - 2 * crop < minimum:
        raise PatinaError(
            f"a picture of {width}x{height} less a border of {crop} is too small: {minimum} pixels are needed"
        )


def _prepare(picture: np.ndarray, crop: int, space: Space) -> np.ndarray:
    if space not in ("rgb", "y"):
        raise PatinaError(f'the space to compare in is "rgb" or "y", not "{space}"')
    inside = picture[crop : picture.shape[0] - crop, crop : picture.shape[1] - crop]
    unit = inside.astype(np.float64) / _PEAKS[picture.dtype.name]
    if space == "rgb":
        return unit
    if picture.shape[2] != 3:
        raise PatinaError(f"luma needs the 3 channels of RGB, the pictures have {picture.shape[2]}")
    return to_luma(unit)[..., None]
