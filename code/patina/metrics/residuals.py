"""Residuals against residuals, where true pairs are at hand; a residual is a degraded picture minus its clean one."""

from typing import TypeVar

import cv2
import numpy as np
from scipy import stats

EDGES = np.arange(-64.5, 65)
"""Of the histogram's bins: one grey level each; what lies outside counts in the outermost."""

WINDOW, SIGMA = 7, 1.4
"""Of the Gaussian over which local variances are taken: 0.3 ((7 − 1)/2 − 1) + 0.8."""

Values = TypeVar("Values", float, np.ndarray)

LEAST_RATIO, GREATEST_RATIO = 0.1, 10.0


def histogram(residual: np.ndarray) -> np.ndarray:
    """Count residuals by grey level; counts of several residuals may be added."""
    return np.histogram(np.clip(residual, EDGES[0], EDGES[-1] - 1e-6), EDGES)[0]


def kl_divergence(counts: np.ndarray, reference: np.ndarray) -> float:
    """Return the Kullback-Leibler divergence KL(reference ‖ counts) of two histograms, in nats.

    One count more in every bin keeps it finite where the compared residuals never were.

    Args:
        counts: of the generated residuals.
        reference: of the real ones, same bins.
    """
    return float(stats.entropy(reference + 1.0, counts + 1.0))


def local_variance(residual: np.ndarray) -> np.ndarray:
    """Return the Gaussian mean over 7x7 pixels of the squared residual ``[H, W, C]``."""
    squared = np.square(residual.astype(np.float64))
    return cv2.GaussianBlur(squared, (WINDOW, WINDOW), SIGMA, borderType=cv2.BORDER_REFLECT_101)


def akld(samples: np.ndarray, real: np.ndarray) -> float:
    """Return the average KL divergence between generated and real noise (Yue et al. 2020, section 5.1).

    Both are taken for Gaussian of mean zero at every pixel, with their local variances; their ratio r is clamped to
    0.1 to 10, and a sample's divergence is the mean of ½ (log 1/r + r − 1).

    Args:
        samples: generated residuals of one picture, ``[S, H, W, C]``.
        real: its real residual ``[H, W, C]``.

    Returns:
        In nats, the mean over samples; 0 for equal residuals.
    """
    real_variance = np.maximum(local_variance(real), 1e-12)
    divergences = [_gaussian_kl(np.maximum(local_variance(each), 1e-12) / real_variance) for each in samples]
    return float(np.mean(divergences))


def _gaussian_kl(ratio: np.ndarray) -> float:
    ratio = ratio.clip(LEAST_RATIO, GREATEST_RATIO)
    return float(0.5 * np.mean(np.log(1 / ratio) + ratio - 1))


def pgap(psnr_generated: Values, psnr_real: Values) -> Values:
    """Return what a denoiser trained on generated noise loses against one trained on real noise, in dB.

    After the PSNR gap of Yue et al. (2020): both denoise the same real pictures; 0 is no loss.
    """
    return psnr_real - psnr_generated
