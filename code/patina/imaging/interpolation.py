"""Upscaling by classical interpolation, and the default tile size of networks that upscale."""

from typing import Literal, get_args

import numpy as np

from patina.imaging.matlab_resize import imresize
from patina.imaging.resize_filters import resize
from patina.imaging.value_spaces import to_values, values_to_pixels

_FILTERS = {"nearest": "nearest", "bilinear": "linear", "lanczos": "lanczos"}
InterpolationName = Literal["nearest", "bilinear", "bicubic", "lanczos"]
"""``bicubic`` is MATLAB's; ``lanczos`` has three lobes."""

INTERPOLATIONS: tuple[str, ...] = get_args(InterpolationName)

TILE, OVERLAP = 256, 32
"""Default side and overlap of a network's tiles in pixels; ESRGAN at x4 then needs about 1.5 GB."""


class Interpolation:
    """An upscaler that interpolates.

    Args:
        name: one of `INTERPOLATIONS`.
        scale: a positive integer.
    """

    def __init__(self, name: str, scale: int):
        self.name = name
        self.scale = scale

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Upscale RGB ``[H, W, 3]``, uint8 or uint16, to ``[scale H, scale W, 3]`` of the same dtype."""
        if self.name == "bicubic":
            return imresize(pixels, self.scale)
        height, width = (self.scale * length for length in pixels.shape[:2])
        return values_to_pixels(resize(to_values(pixels), (height, width), _FILTERS[self.name]), pixels.dtype)
