"""Small photographs that come with scikit-image, as clean images and as photos of other content."""

import cv2
import numpy as np
import skimage.data

NAMES = ("astronaut", "coffee", "cat", "rocket", "stereo_motorcycle", "retina", "chelsea", "immunohistochemistry")


def photographs() -> dict[str, list[np.ndarray]]:
    """Return a crop of 144x160 pixels from the left of each of scikit-image's photographs, and one from the right.

    Both come from the same photographs at half their size, so that neither side is the noisier one by itself.
    """
    halves = []
    for name in NAMES:
        pixels = getattr(skimage.data, name)()
        pixels = pixels[0] if isinstance(pixels, tuple) else pixels
        halves.append(cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    return {"clean": [half[:144, :160] for half in halves], "real": [half[:144, -160:] for half in halves]}
