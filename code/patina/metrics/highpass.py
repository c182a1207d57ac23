"""What is left of a picture without its pair: the fine part of quiet places, where noise is most of it.

All of it is in units of 0 to 255.
"""

import cv2
import numpy as np

SIGMA = 3.0
"""Of the Gaussian that takes the coarse part off, in pixels; frequencies below about 0.05 cycles a pixel go with it."""


def low_pass(pixels: np.ndarray, sigma: float = SIGMA) -> np.ndarray:
    """Return the coarse part of a picture ``[H, W, C]``: its Gaussian mean, float64 in the picture's units."""
    return np.atleast_3d(cv2.GaussianBlur(pixels.astype(np.float64), (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101))


def quiet_places(coarse: np.ndarray, side: int, share: float) -> list[tuple[int, int]]:
    """Choose the squares of a picture over which its coarse part varies least.

    The share is of each picture's squares, and the coarse part knows little of noise: a noisier picture is not
    judged by other places than a clean one.

    Args:
        coarse: ``[H, W, C]``, from `low_pass`; at least one square.
        side: of a square, in pixels.
        share: of the squares, (0, 1]; at least one is chosen.

    Returns:
        (top, left) of the chosen squares, from top left to bottom right.
    """
    height, width = coarse.shape[:2]
    places = [(top, left) for top in range(0, height - side + 1, side) for left in range(0, width - side + 1, side)]
    unrest = [coarse[top : top + side, left : left + side].std(axis=(0, 1)).mean() for top, left in places]
    chosen = np.argsort(unrest, kind="stable")[: max(1, round(share * len(places)))]
    return [places[index] for index in sorted(chosen)]


def cut(pixels: np.ndarray, places: list[tuple[int, int]], side: int) -> np.ndarray:
    """Cut squares out of ``[H, W, C]``: ``[N, side, side, C]``."""
    return np.stack([pixels[top : top + side, left : left + side] for top, left in places])
