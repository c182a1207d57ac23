"""Colours under transparency: pixels that nobody sees must not colour those that somebody does."""

import cv2
import numpy as np


def divided_by_alpha(colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Undo a multiplication of colours by alpha, by integers; where alpha is 0, the colours stay.

    Args:
        colour: ``[H, W, C]``, uint8 or uint16.
        alpha: ``[H, W, 1]`` of the same dtype.
    """
    white, weight = int(np.iinfo(colour.dtype).max), np.maximum(alpha, 1).astype(np.uint32)
    divided = np.minimum((colour.astype(np.uint32) * white + weight // 2) // weight, white)
    return np.where(alpha == 0, colour, divided).astype(colour.dtype)


def with_hidden_filled(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Give invisible pixels the colours of visible ones around them, so that a network sees no edge that nobody sees.

    Args:
        pixels: ``[H, W, 3]``, uint8 or uint16.
        alpha: ``[H, W]`` of the same dtype.

    Returns:
        The pixels; visible ones are unchanged.
    """
    weight = alpha.astype(np.float32)
    smooth = _smooth_fill(pixels * weight[..., None], weight)
    return np.where(alpha[..., None] == 0, np.rint(smooth), pixels).astype(pixels.dtype)


def _smooth_fill(weighted: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return weighted sums of colours divided by their weights, from a coarser level where the weights are 0."""
    known = weighted / np.maximum(weight, 1e-9)[..., None]
    if weight.all() or max(weight.shape) == 1:
        return known
    height, width = weight.shape
    even = ((0, height % 2), (0, width % 2))
    coarse = _smooth_fill(_halved(np.pad(weighted, (*even, (0, 0)))), _halved(np.pad(weight, even)))
    return np.where(weight[..., None] > 0, known, cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR))


def _halved(values: np.ndarray) -> np.ndarray:
    """Add the values of every 2 x 2 pixels."""
    return values[::2, ::2] + values[1::2, ::2] + values[::2, 1::2] + values[1::2, 1::2]
