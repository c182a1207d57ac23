"""The common first step of metrics: check the images, crop their border and scale them to [0, 1]."""

from typing import Literal

import numpy as np

from patina.errors import PatinaError
from patina.metrics.luma import to_luma

Space = Literal["rgb", "y"]

_PEAKS = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0, "float64": 1.0}


class TooSmallForMetric(PatinaError):
    """An image that is smaller than the window of one metric; others may be measured."""


def comparable(
    a: np.ndarray, b: np.ndarray, *, crop: int, space: Space, minimum: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Convert a pair of images to the space in which they are compared.

    Args:
        a, b: images ``[H, W, C]`` of one shape and dtype: uint8, uint16, or float in [0, 1].
        crop, space, minimum: as in `measurable`.

    Returns:
        Two float64 arrays ``[h, w, c]`` in [0, 1].

    Raises:
        PatinaError: the images differ in size or type.
        TooSmallForMetric: they are smaller than `minimum` after cropping.
    """
    if a.shape != b.shape:
        raise PatinaError(f"images have the shapes {a.shape} and {b.shape}, expected one shape [H, W, C]")
    if a.dtype != b.dtype:
        raise PatinaError(f"images have the types {a.dtype} and {b.dtype}, expected one type")
    return (
        measurable(a, crop=crop, space=space, minimum=minimum),
        measurable(b, crop=crop, space=space, minimum=minimum),
    )


def measurable(image: np.ndarray, *, crop: int, space: Space, minimum: int = 1) -> np.ndarray:
    """Convert an image to the space in which it is measured.

    Args:
        image: ``[H, W, C]``: uint8, uint16, or float in [0, 1].
        crop: pixels to crop from every border.
        space: "rgb" keeps the channels, "y" converts RGB to luma, see `to_luma`.
        minimum: smallest side after cropping.

    Returns:
        A float64 array ``[h, w, c]`` in [0, 1].

    Raises:
        PatinaError: the image has another shape or type.
        TooSmallForMetric: it is smaller than `minimum` after cropping.
    """
    if image.ndim != 3 or image.dtype.name not in _PEAKS:
        raise PatinaError(
            f"an image has shape {image.shape} and type {image.dtype}, expected [H, W, C] of {', '.join(_PEAKS)}"
        )
    _check_size(image, crop, minimum)
    return _prepare(image, crop, space)


def _check_size(image: np.ndarray, crop: int, minimum: int) -> None:
    height, width = image.shape[:2]
    if crop < 0:
        raise PatinaError(f"the border to crop is {crop}, expected 0 or more pixels")
    if min(height, width) - 2 * crop < minimum:
        raise TooSmallForMetric(
            f"an image of {width}x{height} less a border of {crop} is too small, expected at least {minimum} pixels "
            "along either side"
        )


def _prepare(image: np.ndarray, crop: int, space: Space) -> np.ndarray:
    if space not in ("rgb", "y"):
        raise PatinaError(f'the colour space is "{space}", expected "rgb" or "y"')
    inside = image[crop : image.shape[0] - crop, crop : image.shape[1] - crop]
    unit = inside.astype(np.float64) / _PEAKS[image.dtype.name]
    if space == "rgb":
        return unit
    if image.shape[2] != 3:
        raise PatinaError(f"luma needs the 3 channels of RGB, the images have {image.shape[2]}")
    return to_luma(unit)[..., None]
