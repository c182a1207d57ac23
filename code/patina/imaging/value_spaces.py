"""The three value spaces of a picture, and every conversion between them.

Pixels are ``[H, W, 3]`` RGB, uint8 or uint16: what files store. Values are float32 ``[H, W, 3]`` in [0, 1]: what
classical degradations compute on. Tensors are float32 ``[3, H, W]`` in [0, 1]: what networks take and return.

Torch is imported on first use, because commands that only handle files start much faster without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from patina.errors import PictureError

if TYPE_CHECKING:
    import torch


def to_values(pixels: np.ndarray) -> np.ndarray:
    """Convert uint8 or uint16 pixels to float32 values in [0, 1] of the same shape."""
    return pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)


_BLOCK = 1 << 16
"""Values converted at a time, so that what lies between the steps stays in the cache."""


class NotFinitePixels(PictureError):
    """Values that cannot become pixels: NaN or infinity, as a broken model gives; the message says where."""


def values_to_pixels(values: np.ndarray, dtype: type[np.unsignedinteger] | np.dtype = np.uint8) -> np.ndarray:
    """Convert float32 values to pixels of the same shape, clipped to [0, 1] and rounded half to even.

    Raises:
        NotFinitePixels: some are NaN or infinite; they would become black or white.
    """
    pixels, peak = np.empty(values.shape, dtype), np.float32(np.iinfo(dtype).max)
    rows = max(1, _BLOCK * len(values) // max(1, values.size))
    for start in range(0, len(values), rows):
        block = values[start : start + rows]
        with np.errstate(over="ignore", invalid="ignore"):
            total = block.sum()
        if not np.isfinite(total):  # the sum of large numbers may not be finite either
            _require_finite(values)
        scaled = block.clip(0, 1)
        scaled *= peak
        pixels[start : start + rows] = np.rint(scaled, out=scaled)
    return pixels


def _require_finite(values: np.ndarray) -> None:
    broken = ~np.isfinite(values)
    if count := np.count_nonzero(broken):
        row, column = np.argwhere(broken)[0][:2]
        raise NotFinitePixels(
            f"{count} of {values.size} values are not finite (NaN or infinity), the first at row {row}, column {column}"
        )


def to_eight_bit(pixels: np.ndarray) -> np.ndarray:
    """Convert uint16 pixels to uint8; return uint8 pixels as they are, without a copy."""
    return pixels if pixels.dtype == np.uint8 else values_to_pixels(to_values(pixels), np.uint8)


def stretched(samples: np.ndarray, bits: int) -> np.ndarray:
    """Return samples of any depth as uint8 or uint16, white as its maximum.

    Args:
        samples: uint8 or uint16, of any shape.
        bits: 1 to 16.
    """
    if bits in (8, 16):
        return samples
    white, dtype = (255, np.uint8) if bits < 8 else (65535, np.uint16)
    largest = 2**bits - 1
    return ((samples.astype(np.uint32) * white + largest // 2) // largest).astype(dtype)


def to_tensor(pixels: np.ndarray) -> torch.Tensor:
    """Convert ``[H, W, 3]`` uint8 or uint16 pixels to a float32 tensor ``[3, H, W]`` in [0, 1]."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(to_values(pixels).transpose(2, 0, 1)))


def to_pixels(tensor: torch.Tensor, dtype: type[np.unsignedinteger] | np.dtype = np.uint8) -> np.ndarray:
    """Convert a float tensor ``[3, H, W]`` to ``[H, W, 3]`` pixels, clamped to [0, 1] and rounded half to even.

    Raises:
        NotFinitePixels: as in `values_to_pixels`.
    """
    return values_to_pixels(tensor.detach().cpu().float().numpy().transpose(1, 2, 0), dtype)


def infinity_as_nan(values: torch.Tensor) -> torch.Tensor:
    """Return values with NaN in the place of infinity, which clamping would turn into white or black.

    NaN survives clamping, and `to_pixels` refuses it.
    """
    import torch

    return torch.where(values.isinf(), torch.nan, values)
