"""BT.601 luma and chroma in studio range, for super-resolution on luma alone."""

import numpy as np
import torch
from torch import Tensor

_FORWARD = (
    (65.481 / 255, 128.553 / 255, 24.966 / 255),
    (-37.797 / 255, -74.203 / 255, 112.0 / 255),
    (112.0 / 255, -93.786 / 255, -18.214 / 255),
)
_BACKWARD: list[list[float]] = np.linalg.inv(np.array(_FORWARD)).tolist()
_OFFSET = (16 / 255, 128 / 255, 128 / 255)


def to_ycbcr(rgb: Tensor) -> Tensor:
    """Convert RGB to Y, Cb, Cr without rounding; Y equals `patina.metrics.luma.to_luma`.

    Args:
        rgb: ``[..., 3, H, W]`` in [0, 1].

    Returns:
        The same shape; Y in [16/255, 235/255], Cb and Cr in [16/255, 240/255].
    """
    matrix, offset = _constants(rgb)
    return torch.einsum("ij,...jhw->...ihw", matrix, rgb) + offset


def to_rgb(ycbcr: Tensor) -> Tensor:
    """Undo `to_ycbcr`; colours outside the RGB gamut give values below 0 or above 1."""
    _, offset = _constants(ycbcr)
    return torch.einsum("ij,...jhw->...ihw", ycbcr.new_tensor(_BACKWARD), ycbcr - offset)


def _constants(like: Tensor) -> tuple[Tensor, Tensor]:
    return like.new_tensor(_FORWARD), like.new_tensor(_OFFSET)[:, None, None]
