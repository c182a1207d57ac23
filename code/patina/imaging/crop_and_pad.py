"""Sizes that fit: the middle, crops and mirror padding to a multiple."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def centre_crop(image: np.ndarray, side: int) -> np.ndarray:
    """Return a view of the middle of ``[H, W, ...]``: a square of `side`, or less where the picture is smaller."""
    top, left = (max(0, (length - side) // 2) for length in image.shape[:2])
    return image[top : top + side, left : left + side]


def crop_to_multiple(image: np.ndarray, multiple: int) -> np.ndarray:
    """Cut rows at the bottom and columns at the right so that both sizes are multiples.

    Args:
        image: ``[H, W, ...]``.
        multiple: at least 1.

    Returns:
        A view of the top left corner.

    Raises:
        ValueError: the picture is smaller than `multiple`.
    """
    height, width = (length // multiple * multiple for length in image.shape[:2])
    if min(height, width) == 0:
        raise ValueError(
            f"a picture of {image.shape[1]}x{image.shape[0]} pixels has no crop to multiples of {multiple}"
        )
    return image[:height, :width]


def reflect_pad_to_multiple(tensor: torch.Tensor, multiple: int) -> tuple[torch.Tensor, tuple[int, int]]:
    """Mirror a picture at its bottom and right edges (without repeating them) until its sizes are multiples.

    Pictures smaller than the padding are mirrored again and again.

    Args:
        tensor: ``[..., H, W]``.
        multiple: at least 1.

    Returns:
        The padded tensor and the original ``(H, W)``, to cut the result back to.
    """
    height, width = tensor.shape[-2:]
    if height % multiple:
        tensor = tensor[..., _reflected(height, multiple), :]
    if width % multiple:
        tensor = tensor[..., _reflected(width, multiple)]
    return tensor, (height, width)


def _reflected(length: int, multiple: int) -> list[int]:
    """Return the source positions of the padded axis: a triangle wave of period ``2 * (length - 1)``."""
    padded = -(-length // multiple) * multiple
    period = max(1, 2 * (length - 1))
    return [min(position % period, period - position % period) for position in range(padded)]
