"""All measures of one photo: the vector in which fitted and real photos are compared."""

from collections.abc import Sequence

import cv2
import numpy as np

from patina.fitting.block_grid import block_measures
from patina.fitting.edges import edge_measures
from patina.fitting.texture import texture

CROP = 256
"""Side of a crop in pixels; a multiple of 16, so that JPEG's blocks begin where the crop does."""

CROPS = 2
"""Crops of a large photo that are measured."""

SMALLEST = 64
"""Pixels that a photo needs along each side."""

_YCBCR = np.array(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32
)  # JPEG's own, ITU-T T.871


def measure(crops: Sequence[np.ndarray]) -> dict[str, float]:
    """Measure a photo.

    Args:
        crops: RGB of one size each, float32 ``[H, W, 3]`` in grey levels, 0 to 255; at least `SMALLEST` pixels a side.

    Returns:
        Finite numbers by name, the same names for every photo.
    """
    planes = planes_of(crops)
    luma = [np.ascontiguousarray(plane[..., 0]) for plane in planes]
    values = np.concatenate([plane.ravel() for plane in luma])
    return {
        **texture(planes),
        **edge_measures(luma),
        **block_measures(planes),
        "brightness": float(values.mean() / 64),
        "contrast": float(values.std() / 32),
    }


def planes_of(crops: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return luma and the two chroma planes, ``[H, W, 3]``, of RGB crops, in the same unit."""
    return [cv2.transform(crop, _YCBCR) for crop in crops]


def luma_of(crop: np.ndarray) -> np.ndarray:
    """Return the luma ``[H, W]`` of RGB ``[H, W, 3]``, in the same unit."""
    return cv2.transform(crop, _YCBCR[:1])


def places_of_crops(height: int, width: int, side: int = CROP, count: int = CROPS) -> list[tuple[int, int]]:
    """Return top and left of the crops of a photo, multiples of 16: evenly along its diagonal.

    A photo that is smaller than a crop along one side is measured whole along that side.
    """
    if height <= side and width <= side:
        return [(0, 0)]
    rooms = [max(0, length - side) for length in (height, width)]
    fractions = [(number + 0.5) / count for number in range(count)]
    return [(round(rooms[0] * part) // 16 * 16, round(rooms[1] * part) // 16 * 16) for part in fractions]


def crops_of(pixels: np.ndarray) -> list[np.ndarray]:
    """Return the crops of a photo that are measured, float32 in grey levels.

    Args:
        pixels: ``[H, W, 3]`` uint8 or uint16.
    """
    scale = np.float32(255 / np.iinfo(pixels.dtype).max)
    places = places_of_crops(*pixels.shape[:2])
    return [pixels[top : top + CROP, left : left + CROP].astype(np.float32) * scale for top, left in places]
