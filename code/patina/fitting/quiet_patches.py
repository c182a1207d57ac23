"""Quiet patches of photos, which show nothing but noise (Chen et al. 2018, GCBD, section 3.2)."""

from pathlib import Path

import cv2
import numpy as np

from patina.degradations.noise_patches import SIDE
from patina.imaging.picture_files import read_picture

PARTS = 2
"""A patch is divided into so many parts along each side."""

MEAN, VARIANCE = 0.1, 0.25
"""Parts may differ from their patch by these fractions of its mean and variance (the paper's values)."""

LEAST_VARIANCE = 0.1
"""Squared grey levels below which a patch is clipped or painted, not photographed."""

MOST = 48
"""Patches of one photo."""


def quiet_patches(path: Path) -> np.ndarray:
    """Return the noise of a photo's quiet patches, ``[n, SIDE, SIDE, 3]`` float16 in grey levels, n up to `MOST`.

    The mean of every patch is taken off, and its slope: light that falls off is no noise.

    Raises:
        PictureError: the photo cannot be read.
    """
    pixels = read_picture(path, alpha="refuse").pixels
    values = pixels.astype(np.float32) * np.float32(255 / np.iinfo(pixels.dtype).max)
    rows, columns = (length // SIDE for length in values.shape[:2])
    cut = values[: rows * SIDE, : columns * SIDE].reshape(rows, SIDE, columns, SIDE, 3)
    patches = cut.swapaxes(1, 2).reshape(-1, SIDE, SIDE, 3)
    quiet = patches[_is_quiet(patches)]
    chosen = quiet[np.linspace(0, len(quiet) - 1, min(MOST, len(quiet))).astype(int)]
    return _without_slope(chosen).astype(np.float16)


def _is_quiet(patches: np.ndarray) -> np.ndarray:
    luma = cv2.transform(patches.reshape(len(patches), -1, 3), np.array([[0.299, 0.587, 0.114]], np.float32))
    luma = luma.reshape(len(patches), SIDE, SIDE)
    side = SIDE // PARTS
    parts = luma.reshape(-1, PARTS, side, PARTS, side).swapaxes(2, 3).reshape(len(luma), PARTS**2, -1)
    mean, variance = luma.mean(axis=(1, 2)), luma.var(axis=(1, 2))
    near = np.abs(parts.mean(axis=2) - mean[:, None]) <= MEAN * mean[:, None]
    alike = np.abs(parts.var(axis=2) - variance[:, None]) <= VARIANCE * variance[:, None]
    whole = (luma.min(axis=(1, 2)) > 1) & (luma.max(axis=(1, 2)) < 254)  # clipped noise is no noise
    return near.all(axis=1) & alike.all(axis=1) & whole & (variance > LEAST_VARIANCE)


def _without_slope(patches: np.ndarray) -> np.ndarray:
    """Take off the plane that fits each patch best; in a square the slopes of rows and columns are independent."""
    line = np.arange(SIDE) - (SIDE - 1) / 2
    rows, columns = (
        axis.astype(np.float32) / np.square(line).sum() / SIDE for axis in np.meshgrid(line, line, indexing="ij")
    )
    flat = patches - patches.mean(axis=(1, 2), keepdims=True)
    for axis in (rows, columns):
        slope = np.einsum("nhwc,hw->nc", flat, axis)
        flat -= slope[:, None, None, :] * (axis * np.square(line).sum() * SIDE)[None, :, :, None]
    return flat
