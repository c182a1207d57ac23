"""Mean squared error."""

import numpy as np

from patina.metrics.image_pair import Space, comparable


def mse(a: np.ndarray, b: np.ndarray, *, crop: int = 0, space: Space = "rgb") -> float:
    """Return the mean squared error over all pixels and channels, in squared 8-bit units for every bit depth.

    Args:
        a, b: images ``[H, W, C]`` of one shape and dtype.
        crop: pixels to crop from every border.
        space: "rgb", or "y" for the BT.601 luma.

    Raises:
        PatinaError: the images differ in size or type, or nothing is left after cropping.
    """
    first, second = comparable(a, b, crop=crop, space=space)
    return 255.0**2 * float(np.mean(np.square(first - second)))
