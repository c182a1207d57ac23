"""Chroma that a camera or codec halved horizontally (4:2:2), from the pixels of a lossless file.

Halving and enlarging again multiplies the power of a horizontal frequency f by cos(πf)⁸ (averaging pairs, then
interpolating linearly), and leaves vertical ones as they are. Luma says how much weaker fine horizontal detail is for
other reasons, such as shake.
"""

from collections.abc import Sequence

import numpy as np

from patina.metrics.spectrum import power_spectrum

_BAND = (0.2, 0.3)
"""Frequencies in cycles a pixel: lower ones lose little, higher ones drown in rounding."""

_ACROSS = 0.15
"""Highest frequency in the other direction."""

_LEAST = 1e-3
"""Power of planes without any detail, in squared grey levels."""

_LOST = 7.0
"""Decibels; 96 images without halving lost at most 6.7, noisy photos with it 7 to 13."""


def is_halved_horizontally(planes: Sequence[np.ndarray]) -> bool:
    """Return whether chroma lacks horizontal detail that it has vertically and that luma has in both directions.

    Args:
        planes: luma and two chroma planes of crops, float32 ``[H, W, 3]`` in grey levels.
    """
    side = min(min(plane.shape[:2]) for plane in planes) // 2 * 2
    crops = np.stack([plane[:side, :side] for plane in planes])
    return _weaker_horizontally(crops[..., 1:]) - _weaker_horizontally(crops[..., :1]) < -_LOST


def _weaker_horizontally(crops: np.ndarray) -> float:
    """Return the power of horizontal frequencies of the band relative to vertical ones, in dB."""
    power = power_spectrum(crops)
    frequencies = np.abs(np.fft.fftfreq(len(power)))
    along, across = frequencies[None, :], frequencies[:, None]
    chosen = (along > _BAND[0]) & (along < _BAND[1]) & (across < _ACROSS)
    return float(10 * np.log10(max(np.median(power[chosen]), _LEAST) / max(np.median(power.T[chosen]), _LEAST)))
