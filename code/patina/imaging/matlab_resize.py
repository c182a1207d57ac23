"""MATLAB-compatible bicubic resizing: the degradation of the classical super-resolution benchmarks.

The kernel is the cubic convolution kernel with a = -0.5, stretched by 1 / scale when shrinking (antialiasing). Padding
mirrors the picture with the edge repeated. Integer pictures are rounded after both passes, as MATLAB's `imresize` does.
"""

import math
from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np

from patina.imaging.banded_matrix import MatrixBlock, product, split_into_blocks

KERNEL_WIDTH = 4.0
_CEIL_SLACK = 1e-9  # 1 / scale is inexact: 3 * 49 * (1 / 49) must give 3 rows, never 4


def imresize(
    image: np.ndarray,
    scale: float | None = None,
    size: tuple[int, int] | None = None,
    antialias: bool = True,
) -> np.ndarray:
    """Resize a picture as MATLAB's bicubic `imresize` does.

    Args:
        image: ``[H, W]`` or ``[H, W, C]``; uint8 and uint16 are clipped and rounded half to even after each
            pass; floating-point arrays are not clipped (the kernel overshoots at edges).
        scale: factor of both axes; the output has ``ceil(H * scale)`` rows. Give either this or `size`.
        size: output ``(height, width)``; the factor of each axis is output / input.
        antialias: whether to stretch the kernel when shrinking.

    Returns:
        The resized picture in `image`'s dtype.

    Raises:
        ValueError: both or neither of `scale` and `size` are given, one is not positive, or the shape is wrong.
        TypeError: the pixels are neither uint8, uint16 nor floating point.
    """
    _check_image(image)
    (height, width), scales = _target(image.shape[:2], scale, size)
    passes = [(0, height, scales[0]), (1, width, scales[1])]
    if scales[1] < scales[0]:
        passes.reverse()
    result = image
    for axis, length, factor in passes:
        if factor != 1:  # at 1 the kernel passes every pixel through: it is 1 at 0, and 0 at all other integers
            result = _resize_axis(result, axis, length, factor, antialias)
    return np.array(result, dtype=image.dtype, order="C")


def imresize_bands(rows: Callable[[int, int], np.ndarray], size: tuple[int, int], scale: float) -> Iterator[np.ndarray]:
    """Yield the result of `imresize` by a scale in bands, from the top to the bottom.

    Args:
        rows: returns the rows from a first one up to another, ``[h, W, 3]`` uint8 or uint16; what lies before the first
            one of the call before is not asked for again.
        size: height and width of the picture.
        scale: factor of both axes.
    """
    height, width = size
    if scale == 1:
        yield from (rows(row, row + 1) for row in range(height))
        return
    for _, needed, matrix in _blocks(height, _scaled(height, scale), scale, True):
        positions = np.arange(needed.start, needed.stop) if isinstance(needed, slice) else needed
        first, stop = int(positions.min()), int(positions.max()) + 1
        band = rows(first, stop)[positions - first]
        values = product(matrix, band.reshape(len(band), -1).astype(np.float64))
        band = np.rint(values).clip(0, np.iinfo(band.dtype).max).astype(band.dtype).reshape(len(matrix), width, -1)
        yield np.ascontiguousarray(_resize_axis(band, 1, _scaled(width, scale), scale, True))


def _check_image(image: np.ndarray) -> None:
    if image.ndim not in (2, 3) or 0 in image.shape:
        raise ValueError(f"expected an image [H, W] or [H, W, C] with pixels, got shape {image.shape}")
    if image.dtype not in (np.uint8, np.uint16) and not np.issubdtype(image.dtype, np.floating):
        raise TypeError(f"expected uint8, uint16 or floating-point pixels, got {image.dtype}")


def _target(
    shape: tuple[int, ...], scale: float | None, size: tuple[int, int] | None
) -> tuple[tuple[int, int], tuple[float, float]]:
    """Return the output size and both axes' factors."""
    height, width = shape
    if size is not None and scale is None:
        if min(size) < 1:
            raise ValueError(f"the output size must be positive, got {size}")
        return size, (size[0] / height, size[1] / width)
    if size is not None or scale is None:
        raise ValueError("give either scale or size")
    if not (0 < scale < math.inf):
        raise ValueError(f"the scale must be positive, got {scale}")
    return (_scaled(height, scale), _scaled(width, scale)), (scale, scale)


def _scaled(length: int, scale: float) -> int:
    return max(1, math.ceil(length * scale - _CEIL_SLACK))


def cubic(x: np.ndarray) -> np.ndarray:
    """Return the cubic convolution kernel with a = -0.5 (Keys 1981, equation 15) at the distances `x`."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))


@lru_cache(maxsize=64)
def _blocks(length: int, output: int, scale: float, antialias: bool) -> tuple[MatrixBlock, ...]:
    """Return the resize matrix ``[output, length]`` as dense blocks."""
    stretch = scale if antialias and scale < 1 else 1.0
    reach = KERNEL_WIDTH / stretch
    taps = math.ceil(reach) + 2
    centres = (np.arange(output) + 0.5) / scale - 0.5
    left = np.floor(centres - reach / 2).astype(np.int64)
    positions = left[:, None] + np.arange(taps)
    weights = cubic(stretch * (centres[:, None] - positions))
    weights /= weights.sum(axis=1, keepdims=True)
    return split_into_blocks(left, weights, length, scale)


def _resize_axis(image: np.ndarray, axis: int, output: int, scale: float, antialias: bool) -> np.ndarray:
    """Resize one axis; integer pictures are rounded to their dtype, all others become float64."""
    if axis == 1:
        return np.swapaxes(_resize_axis(np.swapaxes(image, 0, 1), 0, output, scale, antialias), 0, 1)
    dtype = image.dtype if image.dtype.kind == "u" else np.dtype(np.float64)
    flat = np.ascontiguousarray(image).reshape(image.shape[0], -1)
    result = np.empty((output, flat.shape[1]), dtype)
    for first, rows, matrix in _blocks(image.shape[0], output, scale, antialias):
        values = product(matrix, flat[rows].astype(np.float64, copy=False))
        if dtype.kind == "u":
            np.clip(np.rint(values, out=values), 0, np.iinfo(dtype).max, out=values)
        result[first : first + len(matrix)] = values
    return result.reshape(output, *image.shape[1:])
