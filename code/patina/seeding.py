"""Random numbers that depend on their purpose, never on the order in which they are drawn.

Torch is imported on first use, because processes that only need numpy start much faster without it.
"""

from __future__ import annotations

import hashlib
import unicodedata
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

NOISE_BLOCK = 64
"""Side in pixels of the blocks of `noise_window`; every block has its own random stream."""


def derive(*parts: int | str) -> int:
    """Return a 63-bit seed that depends on all parts, e.g. ``derive(seed, "condition", "0012.png")``.

    Names that look alike give one seed, however their accents are encoded (Unicode's NFC and NFD).
    """
    text = unicodedata.normalize("NFC", "\x1f".join(f"{type(part).__name__}:{part}" for part in parts))
    digest = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def numpy_rng(*parts: int | str) -> np.random.Generator:
    """Return a numpy generator seeded by `derive(*parts)`."""
    return np.random.Generator(np.random.Philox(derive(*parts)))


def torch_generator(*parts: int | str, device: str | torch.device = "cpu") -> torch.Generator:
    """Return a torch generator on `device`, seeded by `derive(*parts)`."""
    import torch

    return torch.Generator(device).manual_seed(derive(*parts))


def seed_step(*parts: int | str) -> None:
    """Seed torch's global generators (CPU and GPU), so that a training step depends on `parts` alone."""
    import torch

    torch.manual_seed(derive(*parts))


def noise_window(key: int, channels: int, top: int, left: int, height: int, width: int) -> torch.Tensor:
    """Return a window of an infinite field of standard-normal noise.

    Windows agree where they overlap, so a pixel's noise depends on its position in the picture and not on the tile
    being computed. Only the window is held in memory.

    Args:
        key: key of the field, from `derive`.
        channels: number of channels.
        top, left: position of the window in the field in pixels, not negative.
        height, width: size of the window in pixels.

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
