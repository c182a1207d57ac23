"""The high-pass part of smooth patches: an estimate of an image's noise without a clean image.

All values are in 8-bit units.
"""

from collections.abc import Sequence

import cv2
import numpy as np

SIGMA = 3.0
"""Sigma of the Gaussian low pass in pixels; the high-pass part lacks frequencies below 0.05 cycles per pixel."""

BLACK, WHITE, CLIPPED = 2, 253, 0.1
"""A patch is clipped if more than this fraction of its values is at most `BLACK` or at least `WHITE`."""


def low_pass(pixels: np.ndarray, sigma: float = SIGMA) -> np.ndarray:
    """Return the Gaussian low pass of an image ``[H, W, C]`` as float64, in the image's units."""
    return np.atleast_3d(cv2.GaussianBlur(pixels.astype(np.float64), (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101))


def quiet_places(images: Sequence[np.ndarray], side: int, fraction: float) -> list[list[tuple[int, int]]]:
    """Choose the patches of a set of images whose low-pass part varies least.

    The low-pass part hardly depends on noise, and the fraction is the same for every set, so patches chosen in a noisy
    set are as smooth as those in a clean set. Clipped patches, which lack a part of the noise, are chosen last.

    Args:
        images: arrays ``[H, W, C]``, 0 to 255, at least as large as a patch.
        side: side of a patch in pixels.
        fraction: fraction of all patches to choose, in (0, 1]; at least one is chosen.

    Returns:
        For every image, (top, left) of its chosen patches, in reading order.
    """
    patches = [(index, *place) for index, pixels in enumerate(images) for place in _grid(pixels, side)]
    texture = np.concatenate([_texture(pixels, side) for pixels in images])
    chosen = np.argsort(texture, kind="stable")[: max(1, round(fraction * len(patches)))]
    places: list[list[tuple[int, int]]] = [[] for _ in images]
    for number in sorted(chosen):
        index, top, left = patches[number]
        places[index].append((top, left))
    return places


def crop_patches(pixels: np.ndarray, places: Sequence[tuple[int, int]], side: int) -> np.ndarray:
    """Crop patches of an image ``[H, W, C]``: ``[N, side, side, C]``."""
    patches = [pixels[top : top + side, left : left + side] for top, left in places]
    return np.stack(patches) if patches else np.empty((0, side, side, pixels.shape[2]), pixels.dtype)


def _grid(pixels: np.ndarray, side: int) -> list[tuple[int, int]]:
    height, width = pixels.shape[:2]
    return [(top, left) for top in range(0, height - side + 1, side) for left in range(0, width - side + 1, side)]


def _texture(pixels: np.ndarray, side: int) -> np.ndarray:
    """Return the std of the low-pass part over every patch of the grid; a large value for clipped patches."""
    places = _grid(pixels, side)
    clipped = ((pixels <= BLACK) | (pixels >= WHITE)).astype(np.float32)
    texture = crop_patches(low_pass(pixels), places, side).std(axis=(1, 2)).mean(axis=1)
    return texture + np.where(crop_patches(clipped, places, side).mean(axis=(1, 2, 3)) > CLIPPED, 1e6, 0)
