"""Upscaling by classical interpolation."""

from collections.abc import Callable, Iterator

import numpy as np

from patina.imaging.matlab_resize import imresize, imresize_bands
from patina.imaging.resize_filters import resize
from patina.imaging.value_spaces import to_values, values_to_pixels

_FILTERS = {"nearest": "nearest", "bilinear": "linear", "lanczos": "lanczos"}


class Interpolation:
    """An upscaler that interpolates.

    Args:
        name: one of `INTERPOLATIONS`.
        scale: a positive integer.
    """

    def __init__(self, name: str, scale: int):
        self.name = name
        self.scale = scale

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Upscale RGB ``[H, W, 3]``, uint8 or uint16, to ``[scale H, scale W, 3]`` of the same dtype."""
        if self.name == "bicubic":
            return imresize(pixels, self.scale)
        return values_to_pixels(self._filtered(to_values(pixels)), pixels.dtype)

    def with_alpha(self, pixels: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Upscale pixels ``[H, W, 3]`` weighted by their alpha ``[H, W]``, of the same dtype, and the alpha itself."""
        visible = to_values(alpha)[..., None]
        weighted = np.concatenate([to_values(pixels) * visible, visible], axis=2)
        # Within a narrower range, overshoot is not clipped, which would change the ratio of colour to alpha.
        filtered = 2 * self._filtered(0.25 + 0.5 * weighted) - 0.5
        weight = filtered[..., 3:]
        colours = filtered[..., :3] / np.where(weight > 1e-6, weight, 1)
        return values_to_pixels(colours, pixels.dtype), values_to_pixels(weight[..., 0], alpha.dtype)

    @property
    def works_in_bands(self) -> bool:
        """Whether `bands` is supported."""
        return self.name == "bicubic"

    def bands(
        self, rows: Callable[[int, int], np.ndarray], size: tuple[int, int], dtype: np.dtype
    ) -> Iterator[np.ndarray]:
        """Yield the result of a bicubic upscaling in bands; see `imresize_bands`."""
        return imresize_bands(rows, size, self.scale)

    def _filtered(self, values: np.ndarray) -> np.ndarray:
        if self.name == "bicubic":
            return imresize(values, self.scale)
        height, width = (self.scale * length for length in values.shape[:2])
        return resize(values, (height, width), _FILTERS[self.name])
