"""Peak signal-to-noise ratio."""

import math

import numpy as np

from patina.metrics.image_pair import Space, comparable


def psnr(a: np.ndarray, b: np.ndarray, *, crop: int = 0, space: Space = "rgb") -> float:
    """Return ``-10 log10(MSE)`` in dB, with the mean squared error over all pixels and channels in [0, 1].

    Args:
        a, b: pictures ``[H, W, C]`` of one shape and dtype; the peak is 255, 65535, or 1 for float.
        crop: pixels to cut from every side, by custom the scale factor.
        space: "rgb", or "y" for the BT.601 luma (its peak is 255 as well, by custom of the field).

    Returns:
        Decibels; infinity for equal pictures.

    Raises:
        PatinaError: the pictures differ in size or type, or the border leaves nothing.
    """
    first, second = comparable(a, b, crop=crop, space=space)
    error = float(np.mean(np.square(first - second)))
    return math.inf if error == 0 else -10 * math.log10(error)
