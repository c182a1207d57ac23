"""The luma on which super-resolution papers report PSNR and SSIM."""

import numpy as np

_WEIGHTS = np.array([65.481, 128.553, 24.966]) / 255
_OFFSET = 16 / 255


def to_luma(rgb: np.ndarray) -> np.ndarray:
    """Return the BT.601 luma in studio range, unrounded: ``Y = 16 + 65.481 R + 128.553 G + 24.966 B``.

    Args:
        rgb: float RGB ``[..., 3]`` in [0, 1].

    Returns:
        Float array ``[...]`` in [16/255, 235/255], the formula's Y divided by 255.
    """
    return rgb @ _WEIGHTS + _OFFSET
