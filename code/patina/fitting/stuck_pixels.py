"""Single pixels that are black or white by error, as dead pixels and faults of transmission leave them.

They hide finer noise and look like sharp detail, so they are counted and removed before a photo is measured.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

FAR = 40.0
"""How many grey levels such a pixel's luma is from the median of its 3x3 neighbourhood, at least."""

FEWEST = 1e-3
"""Fraction of the pixels. Fewer are lights and specks: clean photographs have up to 8e-4."""

_LUMA = np.array([[0.299, 0.587, 0.114]], np.float32)


def without_impulses(crops: Sequence[np.ndarray]) -> tuple[float, list[np.ndarray]]:
    """Replace pixels that are black or white by error by the median of their neighbourhood.

    A black pixel shows only where its surroundings are brighter than `FAR`, a white one where they are darker than
    255 - `FAR`. Half of the pixels in error are taken to be black, as in the operation ``salt_and_pepper``. Lights,
    lines and letters are wider: a pixel with a neighbour of its own kind is none.

    Args:
        crops: of a photo that was not compressed, RGB float32 ``[H, W, 3]``, 0 to 255.

    Returns:
        The fraction of the pixels that are in error, where they show or not, and the crops without those that show;
        0 and the crops as they are if the fraction is below `FEWEST`.
    """
    found = places = 0
    repaired = []
    for crop in crops:
        median = cv2.medianBlur(crop, 3)
        surroundings = cv2.transform(median, _LUMA)
        darker, brighter = surroundings < 255 - FAR, surroundings > FAR
        wrong = (darker & _single(crop.min(axis=2) >= 255)) | (brighter & _single(crop.max(axis=2) <= 0))
        found += int(wrong.sum())
        places += int(darker.sum()) + int(brighter.sum())
        repaired.append(np.where(wrong[..., None], median, crop))
    single = 2 * found / places
    fraction = single / (1 - single / 2) ** 8  # those with one of eight neighbours in the same error were not counted
    return (fraction, repaired) if fraction >= FEWEST else (0.0, list(crops))


def _single(mask: np.ndarray) -> np.ndarray:
    """Return the true pixels ``[H, W]`` without a true neighbour."""
    ones = mask.astype(np.uint8)
    return mask & (cv2.boxFilter(ones, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT) == 1)


def impulse_words(fraction: float) -> str:
    """Return a fraction of pixels in error in words."""
    return f"{100 * fraction:.2g} % of the pixels black or white"


def impulse_steps(fraction: float) -> list[dict[str, Any]]:
    """Return the steps of a recipe that put this fraction of pixels in error."""
    return [{"salt_and_pepper": {"share": round(fraction, 5)}}] if fraction else []
