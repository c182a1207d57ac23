"""Mean squared error."""

import numpy as np

from patina.metrics.image_pair import Space, comparable


def mse(a: np.ndarray, b: np.ndarray, *, crop: int = 0, space: Space = "rgb") -> float:
    """Return the mean squared error over all pixels and channels, in units of 1/255 whatever the depth.

    Args:
        a, b: pictures ``[H, W, C]`` of one shape and dtype.
        crop: pixels to cut from every side.
        space: "rgb", or "y" for the BT.601 luma.

    Raises:
        PatinaError: the pictures differ in size or type, or the border leaves nothing.
    """
    first, second = comparable(a, b, crop=crop, space=space)
    return 255.0**2 * float(np.mean(np.square(first - second)))
