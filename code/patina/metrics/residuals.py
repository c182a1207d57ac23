"""Distances of generated residuals from real ones. A residual is a degraded image minus the clean image."""

from collections.abc import Iterable
from typing import TypeVar

import cv2
import numpy as np
from scipy import stats

from patina.metrics.moments import excess_kurtosis

EDGES = np.arange(-64.5, 65)
"""Edges of the histogram's bins, one 8-bit unit wide; values outside count in the outermost bins."""

WHOLE_RANGE = np.arange(-255.5, 256)
"""Edges of bins as wide for all residuals of 8-bit images."""

WINDOW, SIGMA = 7, 1.4
"""Width and sigma of the Gaussian window of local variances; sigma is 0.3 ((7 − 1)/2 − 1) + 0.8."""

Values = TypeVar("Values", float, np.ndarray)

STRENGTH_EDGES = np.arange(-30.0, 41.0)
"""Edges of the histogram of local noise strengths: bins of 1 dB in units of one squared 8-bit level."""

LEAST_RATIO, GREATEST_RATIO = 0.1, 10.0


def histogram(residuals: Iterable[np.ndarray], edges: np.ndarray = EDGES) -> np.ndarray:
    """Return the common histogram of residuals of any shape; values beyond the edges count in the outermost bins."""
    clipped = (np.clip(residual, edges[0], edges[-1] - 1e-6) for residual in residuals)
    return np.sum([np.histogram(residual, edges)[0] for residual in clipped], axis=0)


def kl_divergence(counts: np.ndarray, reference: np.ndarray) -> float:
    """Return the Kullback-Leibler divergence KL(reference ‖ counts) of two histograms, in nats.

    One is added to every bin, which keeps the divergence finite where a bin is empty.

    Args:
        counts: histogram of the generated residuals.
        reference: histogram of the real ones, same bins.
    """
    return float(stats.entropy(reference + 1.0, counts + 1.0))


def local_variance(residual: np.ndarray) -> np.ndarray:
    """Return the Gaussian mean over 7x7 pixels of the squared residual ``[H, W, C]``."""
    squared = np.square(residual.astype(np.float64))
    return cv2.GaussianBlur(squared, (WINDOW, WINDOW), SIGMA, borderType=cv2.BORDER_REFLECT_101)


def strength_histogram(residuals: Iterable[np.ndarray]) -> np.ndarray:
    """Return how often the noise of residuals ``[H, W, C]`` has which local strength, wherever that is.

    Strengths are local variances in dB; those beyond the bins count in the outermost ones.
    """
    return histogram((10 * np.log10(local_variance(residual) + 1e-3) for residual in residuals), STRENGTH_EDGES)


def afmd(residuals: Iterable[np.ndarray], real: Iterable[np.ndarray]) -> float:
    """Return the mean absolute difference of the excess kurtosis of generated and real residuals (AFMD).

    Args:
        residuals, real: one ``[H, W, C]`` for every image, in the same order.

    Returns:
        The mean over the images; NaN if a residual is constant.
    """
    pairs = zip(residuals, real, strict=True)
    return float(np.mean([abs(excess_kurtosis(own) - excess_kurtosis(true)) for own, true in pairs]))


def akld(samples: np.ndarray, real: np.ndarray) -> float:
    """Return the average KL divergence between generated and real noise (Yue et al. 2020, section 5.1).

    At every pixel, both are modelled as Gaussians with mean zero and their local variances. The ratio r of the
    variances is clamped to 0.1 to 10; the divergence of a sample is the mean of ½ (log 1/r + r − 1).

    Args:
        samples: generated residuals of one image, ``[S, H, W, C]``.
        real: the real residual of the image, ``[H, W, C]``.

    Returns:
        In nats, the mean over samples; 0 for equal residuals.
    """
    real_variance = np.maximum(local_variance(real), 1e-12)
    divergences = [_gaussian_kl(np.maximum(local_variance(sample), 1e-12) / real_variance) for sample in samples]
    return float(np.mean(divergences))


def _gaussian_kl(ratio: np.ndarray) -> float:
    ratio = ratio.clip(LEAST_RATIO, GREATEST_RATIO)
    return float(0.5 * np.mean(np.log(1 / ratio) + ratio - 1))


def pgap(psnr_generated: Values, psnr_real: Values) -> Values:
    """Return the PSNR gap in dB between denoisers trained on real and on generated noise.

    Both are tested on the same real images (Yue et al. 2020); 0 means that generated noise is as good as real noise.
    """
    return psnr_real - psnr_generated
