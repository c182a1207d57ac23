"""Peak signal-to-noise ratio."""

import math

import numpy as np

from patina.metrics.image_pair import Space, comparable


def psnr(a: np.ndarray, b: np.ndarray, *, crop: int = 0, space: Space = "rgb") -> float:
    """Return ``-10 log10(MSE)`` in dB, with the mean squared error over all pixels and channels in [0, 1].

    Args:
        a, b: images ``[H, W, C]`` of one shape and dtype; the peak is 255, 65535, or 1 for float.
        crop: pixels to crop from every border, by custom the scale factor.
        space: "rgb", or "y" for the BT.601 luma, whose peak is also 255 by custom.

    Returns:
        Decibels; infinity for equal images.

    Raises:
        PatinaError: the images differ in size or type, or nothing is left after cropping.
    """
    first, second = comparable(a, b, crop=crop, space=space)
    error = float(np.mean(np.square(first - second)))
    return math.inf if error == 0 else -10 * math.log10(error)
