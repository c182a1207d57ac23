"""The three value spaces of a picture, and every conversion between them.

Pixels are ``[H, W, 3]`` RGB, uint8 or uint16: what files store. Values are float32 ``[H, W, 3]`` in [0, 1]: what
classical degradations compute on. Tensors are float32 ``[3, H, W]`` in [0, 1]: what networks take and return.

Torch is imported on first use, because commands that only handle files start much faster without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def to_values(pixels: np.ndarray) -> np.ndarray:
    """Convert uint8 or uint16 pixels to float32 values in [0, 1] of the same shape."""
    return pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)


def values_to_pixels(values: np.ndarray, dtype: type[np.unsignedinteger] | np.dtype = np.uint8) -> np.ndarray:
    """Convert float32 values to pixels of the same shape, clipped to [0, 1] and rounded half to even."""
    return np.rint(values.clip(0, 1) * np.float32(np.iinfo(dtype).max)).astype(dtype)


def to_eight_bit(pixels: np.ndarray) -> np.ndarray:
    """Convert uint16 pixels to uint8; return uint8 pixels as they are, without a copy."""
    return pixels if pixels.dtype == np.uint8 else values_to_pixels(to_values(pixels), np.uint8)


def to_tensor(pixels: np.ndarray) -> torch.Tensor:
    """Convert ``[H, W, 3]`` uint8 or uint16 pixels to a float32 tensor ``[3, H, W]`` in [0, 1]."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(to_values(pixels).transpose(2, 0, 1)))


def to_pixels(tensor: torch.Tensor, dtype: type[np.unsignedinteger] | np.dtype = np.uint8) -> np.ndarray:
    """Convert a float tensor ``[3, H, W]`` to ``[H, W, 3]`` pixels, clamped to [0, 1] and rounded half to even."""
    values = tensor.detach().cpu().float().numpy()
    return np.ascontiguousarray(values_to_pixels(values, dtype).transpose(1, 2, 0))
