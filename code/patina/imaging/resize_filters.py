"""Resizing with the filters that image editors offer.

Every filter is separable. With r inputs per output along an axis, output j weights the inputs around
``c = (j + 0.5) r - 0.5`` by a window stretched by ``max(r, 1)``. Inputs outside the picture are dropped, and the
remaining weights are normalised to sum 1.
"""

import math
from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np

from patina.imaging.banded_matrix import MatrixBlock, product, split_into_blocks
from patina.imaging.matlab_resize import imresize

Window = Callable[[np.ndarray], np.ndarray]


def mitchell_netravali(b: float, c: float) -> Window:
    """Return the cubic filter of Mitchell and Netravali (1988, equation 8) with parameters B and C."""

    def window(x: np.ndarray) -> np.ndarray:
        x = np.abs(x)
        near = (12 - 9 * b - 6 * c) * x**3 + (-18 + 12 * b + 6 * c) * x**2 + (6 - 2 * b)
        far = (-b - 6 * c) * x**3 + (6 * b + 30 * c) * x**2 + (-12 * b - 48 * c) * x + (8 * b + 24 * c)
        return np.where(x < 1, near, np.where(x < 2, far, 0.0)) / 6

    return window


def _windowed_sinc(low: float, high: float) -> Window:
    """Return the central lobe of a sinc, windowed by the raised cosine ``low + high cos(pi x)``."""
    return lambda x: np.where(np.abs(x) < 1, np.sinc(x) * (low + high * np.cos(np.pi * x)), 0.0)


def _lagrange(x: np.ndarray) -> np.ndarray:
    """Return the weights of the cubic that passes through four neighbouring points."""
    x = np.abs(x)
    near = (2 - x) * (1 - x) * (1 + x) / 2
    far = (3 - x) * (2 - x) * (1 - x) / 6
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


WINDOWS: dict[str, tuple[float, Window]] = {
    "box": (0.5, lambda x: (np.abs(x) <= 0.5).astype(np.float64)),
    "linear": (1, lambda x: np.maximum(1 - np.abs(x), 0)),
    "hermite": (1, mitchell_netravali(0, 0)),
    "catmull_rom": (2, mitchell_netravali(0, 0.5)),
    "mitchell": (2, mitchell_netravali(1 / 3, 1 / 3)),
    "b_spline": (2, mitchell_netravali(1, 0)),
    "hamming": (1, _windowed_sinc(0.54, 0.46)),
    "hann": (1, _windowed_sinc(0.5, 0.5)),
    "lanczos": (3, lambda x: np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0.0)),
    "lagrange": (2, _lagrange),
    "gauss": (3, lambda x: np.where(np.abs(x) <= 3, np.exp(-2 * x * x), 0.0)),
}
"""Filter name to its support and its weight at a distance; the unit is the pixel of the coarser grid."""

_LEAST_WEIGHT = np.float32(1e-8)
"""Of squared distances: where all inputs have the guide's colour, they count alike."""

OPENCV = {"area": cv2.INTER_AREA, "linear_aliased": cv2.INTER_LINEAR, "cubic_aliased": cv2.INTER_CUBIC}
"""OpenCV's filters: `area` is linear when it enlarges; the other two always use the same few inputs, however much they
shrink, as torch's `interpolate` does."""

DPID = {"dpid_0.25": 0.25, "dpid_0.5": 0.5, "dpid_0.75": 0.75, "dpid_1": 1.0}
"""Detail-preserving downscaling by its exponent; see `_resize_dpid`."""

FILTERS = ("nearest", *WINDOWS, *OPENCV, *DPID, "matlab_bicubic")
"""The names that `resize` accepts; `matlab_bicubic` is `imresize`."""


def resize(image: np.ndarray, size: tuple[int, int], name: str) -> np.ndarray:
    """Resize a picture with a named filter.

    Args:
        image: ``[H, W, C]`` float32 in [0, 1].
        size: output ``(height, width)``.
        name: one of `FILTERS`.

    Returns:
        ``[height, width, C]`` float32 in [0, 1]; overshoot is clipped.
    """
    if name == "nearest":
        rows, columns = (_nearest(length, output) for length, output in zip(image.shape, size, strict=False))
        return image[rows[:, None], columns]
    if name in DPID:
        return _resize_dpid(image, size, DPID[name])
    if name in OPENCV:
        return cv2.resize(image, size[::-1], interpolation=OPENCV[name]).clip(0, 1)
    if name == "matlab_bicubic":
        return imresize(image, size=size).clip(0, 1)
    return _resize_separably(image, size, name).clip(0, 1)


def _resize_dpid(image: np.ndarray, size: tuple[int, int], exponent: float) -> np.ndarray:
    """Downscale so that details stay (Weber et al., "Rapid, detail-preserving image downscaling", 2016, equation 2).

    Inputs count the more, the further their colour is from a guide: the smoothed picture of the output's size.
    Enlarging is OpenCV's `area`.
    """

    def averaged(values: np.ndarray) -> np.ndarray:
        return cv2.resize(values, size[::-1], interpolation=cv2.INTER_AREA).reshape(*size, -1)

    if size[0] > image.shape[0] or size[1] > image.shape[1]:
        return averaged(image).clip(0, 1)
    smooth = np.array([0.25, 0.5, 0.25], np.float32)
    guide = cv2.sepFilter2D(averaged(image), -1, smooth, smooth, borderType=cv2.BORDER_REPLICATE)
    rows, columns = (np.arange(n) * m // n for n, m in zip(image.shape[:2], size, strict=True))
    away = np.square(image - guide.reshape(*size, -1)[rows[:, None], columns]).sum(axis=2, keepdims=True)
    weight = (away + _LEAST_WEIGHT) ** np.float32(exponent / 2)
    return (averaged(image * weight) / averaged(weight)).clip(0, 1)


def _nearest(length: int, output: int) -> np.ndarray:
    """Return the input nearest to each output's centre, in 32.32 fixed point so that ties round down."""
    step = (length << 32) // output
    return np.array([((2 * j + 1) * step) >> 33 for j in range(output)])


def _resize_separably(image: np.ndarray, size: tuple[int, int], name: str) -> np.ndarray:
    # The axis that shrinks most goes first, so the other pass has fewer pixels to process.
    shrinks = [output / length for output, length in zip(size, image.shape, strict=False)]
    for axis in np.argsort(shrinks, kind="stable"):
        image = _resize_axis(image, int(axis), size[axis], name)
    return image


def _resize_axis(image: np.ndarray, axis: int, output: int, name: str) -> np.ndarray:
    if axis == 1:
        return _turned(_resize_axis(_turned(image), 0, output, name))
    flat = np.ascontiguousarray(image).reshape(image.shape[0], -1)
    result = np.empty((output, flat.shape[1]), np.float32)
    for first, rows, matrix in _blocks(name, image.shape[0], output):
        result[first : first + len(matrix)] = product(matrix, flat[rows])
    return result.reshape(output, *image.shape[1:])


def _turned(image: np.ndarray) -> np.ndarray:
    """Swap rows and columns; OpenCV takes a fifth of numpy's time for few channels."""
    if image.ndim == 3 and image.shape[2] <= 4:
        return cv2.transpose(image).reshape(image.shape[1], image.shape[0], image.shape[2])
    return np.ascontiguousarray(image.swapaxes(0, 1))


@lru_cache(maxsize=256)
def _blocks(name: str, length: int, output: int) -> tuple[MatrixBlock, ...]:
    support, window = WINDOWS[name]
    ratio = length / output
    stretch = max(ratio, 1.0)
    reach = math.ceil(support * stretch)
    centres = (np.arange(output) + 0.5) * ratio - 0.5
    left = np.ceil(centres - reach).astype(np.int64)
    positions = left[:, None] + np.arange(2 * reach + 1)
    weights = window((positions - centres[:, None]) / stretch)
    weights[(positions < 0) | (positions >= length)] = 0
    weights /= weights.sum(axis=1, keepdims=True)
    return split_into_blocks(left, weights.astype(np.float32), length, output / length)
