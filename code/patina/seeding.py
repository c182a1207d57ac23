"""Random numbers as a function of what they are for, never of the order in which they were asked for.

Torch is imported when it is first needed: processes that need numpy alone start much faster.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

NOISE_BLOCK = 64
"""Side of the squares that share one random stream in `noise_window`."""


def derive(*parts: int | str) -> int:
    """Return a 63-bit seed that depends on every part, e.g. ``derive(seed, "condition", "0012.png")``."""
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") >> 1


def numpy_rng(*parts: int | str) -> np.random.Generator:
    """Return a numpy generator seeded by `derive(*parts)`."""
    return np.random.Generator(np.random.Philox(derive(*parts)))


def torch_generator(*parts: int | str, device: str | torch.device = "cpu") -> torch.Generator:
    """Return a torch generator on `device`, seeded by `derive(*parts)`."""
    import torch

    return torch.Generator(device).manual_seed(derive(*parts))


def seed_step(*parts: int | str) -> None:
    """Seed torch's global generators (CPU and GPU), so that one training step depends on `parts` alone."""
    import torch

    torch.manual_seed(derive(*parts))


def noise_window(key: int, channels: int, top: int, left: int, height: int, width: int) -> torch.Tensor:
    """Cut a window out of an endless field of standard-normal noise.

    Two windows agree wherever they overlap, so noise belongs to a place in the picture and not to the tile
    that is being computed, and no more than the window is ever held in memory.

    Args:
        key: the field, from `derive`.
        channels: number of channels.
        top, left: window position in the field, in pixels, not negative.
        height, width: window size in pixels.

    Returns:
        Float32 tensor ``[channels, height, width]``.
    """
    window = np.empty((channels, height, width), np.float32)
    for block_row in range(top // NOISE_BLOCK, (top + height - 1) // NOISE_BLOCK + 1):
        for block_column in range(left // NOISE_BLOCK, (left + width - 1) // NOISE_BLOCK + 1):
            block_top, block_left = block_row * NOISE_BLOCK, block_column * NOISE_BLOCK
            stream = np.random.Generator(np.random.Philox(key=[key, (block_row << 32) | block_column]))
            block = stream.standard_normal((channels, NOISE_BLOCK, NOISE_BLOCK), np.float32)
            y0, y1 = max(top, block_top), min(top + height, block_top + NOISE_BLOCK)
            x0, x1 = max(left, block_left), min(left + width, block_left + NOISE_BLOCK)
            window[:, y0 - top : y1 - top, x0 - left : x1 - left] = block[
                :, y0 - block_top : y1 - block_top, x0 - block_left : x1 - block_left
            ]
    import torch

    return torch.from_numpy(window)
