"""Riemersma's dithering (1998): a pixel gets the errors of the pixels before it on a Hilbert curve."""

from collections import deque
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

import numpy as np

HISTORY, RATIO = 16, 1 / 16
"""Riemersma's own: errors that count, and the weight of the oldest relative to the newest."""

Value = TypeVar("Value", float, np.ndarray)


@lru_cache(maxsize=8)
def hilbert_order(height: int, width: int) -> np.ndarray:
    """Return the pixels of a picture, as indices of its rows laid end to end, in the order of a Hilbert curve.

    The curve fills the square whose side is the next power of two; pixels outside the picture are left out.
    """
    side = 1 << (max(height, width) - 1).bit_length()
    x = np.zeros(side * side, np.int64)
    y, rest, step = x.copy(), np.arange(side * side), 1
    while step < side:
        right = 1 & (rest // 2)
        below = 1 & (rest ^ right)
        turned = below == 0
        flipped = turned & (right == 1)
        x, y = np.where(flipped, step - 1 - x, x), np.where(flipped, step - 1 - y, y)
        x, y = np.where(turned, y, x) + step * right, np.where(turned, x, y) + step * below
        rest, step = rest // 4, 2 * step
    inside = (x < width) & (y < height)
    return (y * width + x)[inside]


def riemersma(
    image: np.ndarray, rounded: Callable[[np.ndarray], np.ndarray], history: int = HISTORY, ratio: float = RATIO
) -> np.ndarray:
    """Dither colours as a whole, e.g. to a palette.

    A pixel is rounded after the sum of the last errors is added, the error k pixels ago weighted by ``ratio^(k/(n-1))``
    with n errors in all. An error is the difference of the pixel itself and its rounded value.

    Args:
        image: ``[H, W, 3]`` float32.
        rounded: maps one colour ``[3]`` to the nearest that there is.
        history: number of errors n, at least 2.
        ratio: weight of the oldest error relative to the newest, above 0.
    """
    height, width, channels = image.shape
    order = hilbert_order(height, width)
    pixels = image.reshape(-1, channels)[order].astype(np.float64)
    result = np.empty((height * width, channels), np.float32)
    result[order] = _along(list(pixels), rounded, history, ratio, np.zeros(channels))
    return result.reshape(image.shape)


def riemersma_levels(image: np.ndarray, levels: int, history: int = HISTORY, ratio: float = RATIO) -> np.ndarray:
    """Dither every channel on its own to `levels` even steps; see `riemersma`."""
    height, width, channels = image.shape
    order, steps = hilbert_order(height, width), levels - 1

    def rounded(value: float) -> float:
        return min(max(int(value * steps + 0.5), 0), steps) / steps if value > 0 else 0.0

    result = np.empty((height * width, channels), np.float32)
    for channel in range(channels):
        line = image[..., channel].reshape(-1)[order].astype(np.float64).tolist()
        result[order, channel] = _along(line, rounded, history, ratio, 0.0)
    return result.reshape(image.shape)


def _along(
    pixels: list[Value], rounded: Callable[[Value], Value], history: int, ratio: float, none: Value
) -> list[Value]:
    """Dither along a line; the weighted sum of the last errors is carried from pixel to pixel."""
    base = ratio ** (1 / (history - 1))
    beyond = base**history
    errors: deque[Value] = deque([none] * history, maxlen=history)
    carried, found = none, []
    for pixel in pixels:
        value = rounded(pixel + carried)
        error = pixel - value
        carried = base * carried + error - beyond * errors[0]
        errors.append(error)
        found.append(value)
    return found
