"""Centre crops, and crops and mirror padding to a multiple."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def centre_crop(image: np.ndarray, side: int) -> np.ndarray:
    """Return a view of the centre of ``[H, W, ...]``, at most `side` pixels high and wide."""
    top, left = (max(0, (length - side) // 2) for length in image.shape[:2])
    return image[top : top + side, left : left + side]


def crop_to_multiple(image: np.ndarray, multiple: int) -> np.ndarray:
    """Crop at the bottom and right so that height and width are multiples.

    Args:
        image: ``[H, W, ...]``.
        multiple: at least 1.

    Returns:
        A view of the top-left corner.

    Raises:
        ValueError: the picture is smaller than `multiple`.
    """
    height, width = (length // multiple * multiple for length in image.shape[:2])
    if min(height, width) == 0:
        raise ValueError(f"an image of {image.shape[1]}x{image.shape[0]} pixels has no crop to multiples of {multiple}")
    return image[:height, :width]


def reflect_pad_to_multiple(tensor: torch.Tensor, multiple: int) -> tuple[torch.Tensor, tuple[int, int]]:
    """Pad a picture at the bottom and right, by mirroring without repeating the edge, until its sizes are multiples.

    Pictures smaller than the padding are mirrored repeatedly.

    Args:
        tensor: ``[..., H, W]``.
        multiple: at least 1.

    Returns:
        The padded tensor and the original ``(H, W)``, to crop the result to.
    """
    height, width = tensor.shape[-2:]
    if height % multiple:
        tensor = tensor[..., reflected(height, multiple), :]
    if width % multiple:
        tensor = tensor[..., reflected(width, multiple)]
    return tensor, (height, width)


def reflected(length: int, multiple: int) -> list[int]:
    """Return the source position of every position of an axis that is padded to a multiple.

    It is a triangle wave of period ``2 * (length - 1)``.
    """
    padded = -(-length // multiple) * multiple
    period = max(1, 2 * (length - 1))
    return [min(position % period, period - position % period) for position in range(padded)]


def padded_rows(
    rows: Callable[[int, int], torch.Tensor], size: tuple[int, int], multiple: int
) -> Callable[[int, int], torch.Tensor]:
    """Return what reads rows ``[C, h, W]`` of a picture padded as by `reflect_pad_to_multiple`.

    Args:
        rows: reads rows of the picture, from a first one up to another.
        size: height and width of the picture.
        multiple: of both sides of the padded one.
    """
    positions, columns = reflected(size[0], multiple), reflected(size[1], multiple)

    def padded(start: int, stop: int) -> torch.Tensor:
        wanted = positions[start:stop]
        first = min(wanted)
        return rows(first, max(wanted) + 1)[:, [position - first for position in wanted]][:, :, columns]

    return padded
