"""Whether a photo was enlarged: its finest details are missing, though nothing blurred it.

Two signs are looked for. Blur thins fine details out, but enlarging cuts them off, and in a lossless photo without
noise nothing is left above the cut. Compression and noise hide this, but enlarging also repeats a pattern of weights:
by 1.5, every third row of pixels is interpolated alike. So the second differences across pixels are larger and smaller
in turn, with a period that shows as a peak in their spectrum (Gallagher 2005, "Detection of linear and cubic
interpolation in JPEG compressed images").
"""

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter1d

from patina.fitting.block_grid import BLOCK
from patina.metrics.spectrum import ROUNDING, power_spectrum

PEAK = 45
"""A period shows where its peak is so many times the median of the spectrum. The largest of 900 photos that were not
resized was 43; half of those enlarged 1.5 times by a linear filter, then compressed with JPEG 80, have twice that."""

SOFT = -18
"""Photos that were downscaled may show a period, too. Where one shows, an enlarged photo has at most this much detail
(dB) at 0.38 to 0.5 of the sampling rate, relative to that at 0.12 to 0.2."""

_LOWEST, _HIGHEST, _STEP = 0.14, 0.475, 0.001
"""Frequencies of the periods that are looked for, in cycles per pixel. Slower ones are found in many textures, and 0.5
in all photos behind a colour mosaic."""

_BESIDE = 0.012
"""Frequencies of JPEG's blocks are left out, with those so near to them. Enlarging by 1.6, 2 or 4 has the same
frequencies, so it shows only in photos without noise and compression."""


def is_enlarged(crops: Sequence[np.ndarray]) -> bool:
    """Return whether a photo shows one of both signs.

    Args:
        crops: of the photo, ``[H, W, 3]`` in grey levels.
    """
    lumas = [crop.mean(axis=2, dtype=np.float64) for crop in crops]
    side = min(min(luma.shape) for luma in lumas) // 2 * 2
    power = power_spectrum(np.stack([luma[:side, :side, None] for luma in lumas]))
    radius = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))

    def detail(low: float, high: float) -> float:
        return float(np.median(power[(radius >= low) & (radius < high)]))

    upper, lower = detail(0.3, 0.5), detail(0.12, 0.2)
    if upper < ROUNDING and lower > 200 * max(upper, 1e-6):
        return True
    return detail(0.38, 0.5) < lower * 10 ** (SOFT / 10) and peak_of_periods(lumas) > PEAK


def peak_of_periods(lumas: Sequence[np.ndarray]) -> float:
    """Return the largest peak of the spectrum of second differences, relative to its median.

    Args:
        lumas: crops of a photo, ``[H, W]`` in grey levels, with sides of 64 or more.
    """
    frequencies = np.arange(_LOWEST, _HIGHEST, _STEP)
    spectra = [_spectrum(part, frequencies) for luma in lumas for part in (luma, luma.T)]
    blocks = np.abs(frequencies[:, None] - np.arange(BLOCK) / BLOCK).min(axis=1)
    return float(np.mean(spectra, axis=0)[blocks > _BESIDE].max())


def _spectrum(luma: np.ndarray, frequencies: np.ndarray) -> np.ndarray:
    """Return the spectrum of the columns' mean second difference along rows, relative to its median."""
    differences = np.abs(2 * luma[:, 1:-1] - luma[:, :-2] - luma[:, 2:]).mean(axis=0)
    steady = np.log(differences + 0.5)  # half a grey level: where nothing is seen, nothing repeats
    steady -= gaussian_filter1d(steady, 4, mode="reflect")
    power = np.abs(np.fft.rfft(steady * np.hanning(len(steady)))) ** 2
    all_frequencies = np.fft.rfftfreq(len(steady))
    looked_for = power[(all_frequencies > _LOWEST) & (all_frequencies < _HIGHEST)]
    return np.interp(frequencies, all_frequencies, power) / max(float(np.median(looked_for)), 1e-12)
