"""Structural similarity (Wang et al., "Image Quality Assessment: From Error Visibility to SSIM", 2004)."""

import cv2
import numpy as np

from patina.metrics.image_pair import Space, comparable

_WINDOW = cv2.getGaussianKernel(11, 1.5, cv2.CV_64F)
_RADIUS = 5
_C1, _C2 = 0.01**2, 0.03**2


def ssim(a: np.ndarray, b: np.ndarray, *, crop: int = 0, space: Space = "rgb") -> float:
    """Return the mean SSIM: 11x11 Gaussian window, sigma 1.5, valid region, mean over channels.

    Args:
        a, b: images ``[H, W, C]`` of one shape and dtype; the peak is 255, 65535, or 1 for float.
        crop: pixels to crop from every border, by custom the scale factor.
        space: "rgb", or "y" for the BT.601 luma.

    Returns:
        Similarity; 1 for equal images.

    Raises:
        PatinaError: the images differ in size or type, or are smaller than 11x11 after cropping.
    """
    first, second = comparable(a, b, crop=crop, space=space, minimum=len(_WINDOW))
    channels = range(first.shape[2])
    return float(np.mean([_channel_ssim(first[..., c], second[..., c]) for c in channels]))


def _channel_ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Return the mean of equation 13 of the paper, with its constants K1 = 0.01 and K2 = 0.03."""
    mean_a, mean_b = _local_mean(a), _local_mean(b)
    variance_a = _local_mean(a * a) - mean_a**2
    variance_b = _local_mean(b * b) - mean_b**2
    covariance = _local_mean(a * b) - mean_a * mean_b
    numerator = (2 * mean_a * mean_b + _C1) * (2 * covariance + _C2)
    denominator = (mean_a**2 + mean_b**2 + _C1) * (variance_a + variance_b + _C2)
    return float(np.mean(numerator / denominator))


def _local_mean(plane: np.ndarray) -> np.ndarray:
    blurred = cv2.sepFilter2D(np.ascontiguousarray(plane), cv2.CV_64F, _WINDOW, _WINDOW)
    return blurred[_RADIUS:-_RADIUS, _RADIUS:-_RADIUS]
