"""Multi-scale SSIM (Wang, Simoncelli and Bovik 2003), computed by torchmetrics."""

import numpy as np

from patina import torchvision_shim
from patina.metrics.image_batch import image_batch
from patina.metrics.image_pair import Space, comparable

torchvision_shim.ensure()  # torchmetrics imports torchvision

from torchmetrics.functional.image import multiscale_structural_similarity_index_measure  # noqa: E402

SMALLEST = 176
"""Smallest side of an image in pixels: 11 at the coarsest of 5 scales."""


def ms_ssim(result: np.ndarray, gt: np.ndarray, *, crop: int = 0, space: Space = "rgb") -> float:
    """Return the MS-SSIM of two images, 1 for equal ones; arguments as in `psnr`.

    Raises:
        TooSmallForMetric: less than 176 pixels are left along a side.
    """
    pair = comparable(result, gt, crop=crop, space=space, minimum=SMALLEST)
    first, second = (image_batch(image, dtype=None) for image in pair)
    value = multiscale_structural_similarity_index_measure(first, second, data_range=1.0, normalize="relu")
    return float(value)
