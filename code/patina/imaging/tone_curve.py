"""The tone curve of sRGB (IEC 61966-2-1), between display values and linear light, both in [0, 1]."""

import numpy as np


def srgb_to_linear(values: np.ndarray) -> np.ndarray:
    """Undo sRGB's tone curve (IEC 61966-2-1) for values in [0, 1]."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(linear: np.ndarray) -> np.ndarray:
    """Apply sRGB's tone curve (IEC 61966-2-1); values below 0 become 0."""
    return np.where(linear <= 0.0031308, 12.92 * linear.clip(0), 1.055 * linear.clip(0.0031308) ** (1 / 2.4) - 0.055)
