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
    return smoothest([patch_texture(pixels, side) for pixels in images], side, fraction)


def patch_texture(pixels: np.ndarray, side: int) -> np.ndarray:
    """Return how much the low-pass part varies over every patch of an image, ``[rows, columns]``.

    Returns:
        The std, mean over the channels; a large value is added for clipped patches.
    """
    grid = [length // side for length in pixels.shape[:2]]
    places = [(row * side, column * side) for row, column in np.ndindex(*grid)]
    clipped = ((pixels <= BLACK) | (pixels >= WHITE)).astype(np.float32)
    texture = crop_patches(low_pass(pixels), places, side).std(axis=(1, 2)).mean(axis=1)
    is_clipped = crop_patches(clipped, places, side).mean(axis=(1, 2, 3)) > CLIPPED
    return (texture + np.where(is_clipped, 1e6, 0)).reshape(grid)


def smoothest(textures: Sequence[np.ndarray], side: int, fraction: float) -> list[list[tuple[int, int]]]:
    """Choose among the patches of a set of images by their textures; see `quiet_places`."""
    flat = np.concatenate([texture.ravel() for texture in textures])
    chosen = np.zeros(len(flat), bool)
    chosen[np.argsort(flat, kind="stable")[: max(1, round(fraction * len(flat)))]] = True
    ends = np.cumsum([texture.size for texture in textures])
    return [
        [(int(row) * side, int(column) * side) for row, column in np.argwhere(own.reshape(texture.shape))]
        for own, texture in zip(np.split(chosen, ends[:-1]), textures, strict=True)
    ]


def crop_patches(pixels: np.ndarray, places: Sequence[tuple[int, int]], side: int) -> np.ndarray:
    """Crop patches of an image ``[H, W, C]``: ``[N, side, side, C]``."""
    patches = [pixels[top : top + side, left : left + side] for top, left in places]
    return np.stack(patches) if patches else np.empty((0, side, side, pixels.shape[2]), pixels.dtype)
