"""Salt and pepper: values that are black or white by error, replaced by their neighbours' mean."""

import torch
from torch import Tensor
from torch.nn import functional

RADII = (1, 2, 3)
"""Radii of the square neighbourhoods, tried in this order."""


def without_impulses(images: Tensor) -> Tensor:
    """Replace every 0 and 1 by the mean of its neighbours in the same channel that are neither.

    Where there are none, as within white areas, the value stays.

    Args:
        images: ``[N, C, H, W]`` in [0, 1].
    """
    sound = ((images > 0) & (images < 1)).to(images)
    result, missing = images, 1 - sound
    for radius in RADII:
        known, mean = (
            functional.avg_pool2d(plane, 2 * radius + 1, stride=1, padding=radius) for plane in (sound, sound * images)
        )
        found = missing * (known > 0)
        result = torch.where(found > 0, mean / known.clamp(min=1e-6), result)
        missing = missing - found
    return result
