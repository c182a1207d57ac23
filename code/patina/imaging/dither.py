"""Quantisation to a few levels per channel: rounding, ordered dithering and error diffusion."""

import numpy as np

DITHERS = ("none", "ordered", "floyd_steinberg")


def quantise(image: np.ndarray, levels: int, dither: str) -> np.ndarray:
    """Quantise a picture to evenly spaced levels.

    Args:
        image: ``[H, W, 3]`` float32 in [0, 1].
        levels: number of levels per channel, at least 2; black and white are two of them.
        dither: ``"none"``, ``"ordered"`` or ``"floyd_steinberg"``.

    Returns:
        ``[H, W, 3]`` float32 of ``k / (levels - 1)``.
    """
    steps = np.float32(levels - 1)
    if dither == "floyd_steinberg":
        return _diffused(image * steps, levels) / steps
    offset = _threshold(*image.shape[:2]) if dither == "ordered" else np.float32(0.5)
    return np.floor(image * steps + offset).clip(0, steps) / steps


def _threshold(height: int, width: int) -> np.ndarray:
    """Repeat Bayer's 8x8 threshold matrix (1973) over a picture: ``[H, W, 1]`` in (0, 1)."""
    matrix = np.zeros((1, 1))
    for _ in range(3):
        matrix = np.block([[4 * matrix, 4 * matrix + 2], [4 * matrix + 3, 4 * matrix + 1]])
    tiled = np.tile((matrix + 0.5) / 64, (-(-height // 8), -(-width // 8)))[:height, :width]
    return tiled[..., None].astype(np.float32)


def _diffused(scaled: np.ndarray, levels: int) -> np.ndarray:
    """Diffuse each pixel's rounding error to its neighbours, 7, 3, 5 and 1 sixteenths (Floyd and Steinberg 1976).

    A pixel depends on its left neighbour and, in the row above, on pixels up to one column to its right. So all
    pixels with the same ``column + 2 row`` are independent and are computed together.
    """
    height, width, channels = scaled.shape
    padded = np.zeros((height + 1, width + 2, channels), np.float32)
    padded[:height, 1:-1] = scaled
    for front in range(width + 2 * (height - 1)):
        rows = np.arange(max(0, (front - width + 2) // 2), min(height - 1, front // 2) + 1)
        columns = front - 2 * rows + 1
        old = padded[rows, columns]
        new = np.floor(old + np.float32(0.5)).clip(0, levels - 1)
        error = old - new
        padded[rows, columns] = new
        for down, right, sixteenths in ((0, 1, 7), (1, -1, 3), (1, 0, 5), (1, 1, 1)):
            padded[rows + down, columns + right] += error * np.float32(sixteenths / 16)
    return padded[:height, 1:-1]
