"""What is left of a picture without its pair: the fine part of quiet places, where noise is most of it.

All of it is in units of 0 to 255.
"""

from collections.abc import Sequence

import cv2
import numpy as np

SIGMA = 3.0
"""Of the Gaussian that takes the coarse part off, in pixels; frequencies below about 0.05 cycles a pixel go with it."""


BLACK, WHITE, CLIPPED = 2, 253, 0.1
"""A square is clipped where more than this share of its values lies at the ends."""


def low_pass(pixels: np.ndarray, sigma: float = SIGMA) -> np.ndarray:
    """Return the coarse part of a picture ``[H, W, C]``: its Gaussian mean, float64 in the picture's units."""
    return np.atleast_3d(cv2.GaussianBlur(pixels.astype(np.float64), (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101))


def quiet_places(pictures: Sequence[np.ndarray], side: int, share: float) -> list[list[tuple[int, int]]]:
    """Choose the squares of a set of pictures over which their coarse part varies least.

    The share is the same for every set, and the coarse part knows little of noise: a noisier set is not judged by
    other places than a clean one. Clipped squares are passed over where there are others: noise is cut off there.

    Args:
        pictures: ``[H, W, C]`` each, 0 to 255, at least one square large.
        side: of a square, in pixels.
        share: of all squares of the set, (0, 1]; at least one is chosen.

    Returns:
        (top, left) of the chosen squares of each picture, from top left to bottom right.
    """
    squares = [(index, *place) for index, pixels in enumerate(pictures) for place in _grid(pixels, side)]
    unrest = np.concatenate([_unrest(pixels, side) for pixels in pictures])
    chosen = np.argsort(unrest, kind="stable")[: max(1, round(share * len(squares)))]
    places: list[list[tuple[int, int]]] = [[] for _ in pictures]
    for number in sorted(chosen):
        index, top, left = squares[number]
        places[index].append((top, left))
    return places


def crop_patches(pixels: np.ndarray, places: Sequence[tuple[int, int]], side: int) -> np.ndarray:
    """Cut squares out of ``[H, W, C]``: ``[N, side, side, C]``."""
    squares = [pixels[top : top + side, left : left + side] for top, left in places]
    return np.stack(squares) if squares else np.empty((0, side, side, pixels.shape[2]), pixels.dtype)


def _grid(pixels: np.ndarray, side: int) -> list[tuple[int, int]]:
    height, width = pixels.shape[:2]
    return [(top, left) for top in range(0, height - side + 1, side) for left in range(0, width - side + 1, side)]


def _unrest(pixels: np.ndarray, side: int) -> np.ndarray:
    """Return how much the coarse part varies over every square of the grid; clipped squares come last."""
    places = _grid(pixels, side)
    clipped = ((pixels <= BLACK) | (pixels >= WHITE)).astype(np.float32)
    unrest = crop_patches(low_pass(pixels), places, side).std(axis=(1, 2)).mean(axis=1)
    return unrest + np.where(crop_patches(clipped, places, side).mean(axis=(1, 2, 3)) > CLIPPED, 1e6, 0)
