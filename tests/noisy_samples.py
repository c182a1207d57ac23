"""Smooth images, and the same ones with white noise, which the tests compare."""

import numpy as np

from patina.fidelity.samples import Sample

STD = (4.0, 6.0, 8.0)
"""Of the noise in red, green and blue, 8-bit."""


def smooth(seed: int) -> np.ndarray:
    """Return a smooth image, ``[64, 64, 3]``, 0 to 255."""
    y, x = np.mgrid[:64, :64] / 60
    return 128 + 40 * np.stack([np.sin(x + seed + phase) * np.cos(y) for phase in range(3)], -1)


def noisy(clean: list[Sample], seed: int) -> list[Sample]:
    """Add white noise of `STD`."""
    rng = np.random.default_rng(seed)
    return [
        Sample(sample.name, np.float32(sample.pixels + rng.normal(0, STD, sample.pixels.shape))) for sample in clean
    ]


def smooth_pairs() -> tuple[list[Sample], list[Sample]]:
    """Return six images of two scenes, clean and noisy."""
    clean = [Sample(f"s{index % 2}_{index}", np.float32(smooth(index))) for index in range(6)]
    return clean, noisy(clean, 0)
