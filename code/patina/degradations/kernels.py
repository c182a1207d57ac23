"""Blur kernels: float64 arrays of odd side that sum to 1.

Offsets v are counted from the centre, x to the right and y downwards. A covariance is
``R(angle) diag(a, b) R(angle)^T`` with the angle in radians, and ``m = v^T covariance^-1 v``.
"""

import math
from functools import lru_cache

import numpy as np

LENS_COMPONENTS: dict[int, np.ndarray] = {
    1: np.array([[0.862325, 1.624835, 0.767583, 1.862321]]),
    2: np.array([[0.886528, 5.268909, 0.411259, -0.548794], [1.960518, 1.558213, 0.513282, 4.56111]]),
    3: np.array(
        [
            [2.17649, 5.043495, 1.621035, -2.105439],
            [1.019306, 9.027613, -0.28086, -0.162882],
            [2.81511, 1.597273, -0.366471, 10.300301],
        ]
    ),
    4: np.array(
        [
            [4.338459, 1.553635, -5.767909, 46.164397],
            [3.839993, 4.693183, 9.795391, -15.227561],
            [2.79188, 8.178137, -3.048324, 0.302959],
            [1.34219, 12.328289, 0.010001, 0.24465],
        ]
    ),
    5: np.array(
        [
            [4.892608, 1.685979, -22.356787, 85.91246],
            [4.71187, 4.998496, 35.918936, -28.875618],
            [4.052795, 8.244168, -13.212253, -1.578428],
            [2.929212, 11.900859, 0.507991, 1.816328],
            [1.512961, 16.116382, 0.138051, -0.01],
        ]
    ),
    6: np.array(
        [
            [5.143778, 2.079813, -82.326596, 111.231024],
            [5.612426, 6.153387, 113.878661, 58.004879],
            [5.982921, 9.802895, 39.479083, -162.028887],
            [6.505167, 11.059237, -71.286026, 95.027069],
            [3.869579, 14.81052, 1.405746, -3.704914],
            [2.201904, 19.032909, -0.152784, -0.107988],
        ]
    ),
}
"""Rows (a, b, A, B) of complex Gaussians whose sum approximates a disk, by O. Niemitalo (yehar.com/blog/?p=1495)."""

_FIRST_RING, _FIFTH_RING = 3.8317059702, 16.4706300509
"""Zeros of the Bessel function J1."""


def gaussian(size: int, sigma_x: float, sigma_y: float, angle: float = 0.0) -> np.ndarray:
    """Return ``exp(-m / 2)``; the sigmas are standard deviations in pixels along the rotated axes."""
    return _normalised(np.exp(-0.5 * _mahalanobis(size, sigma_x, sigma_y, angle)))


def generalised_gaussian(size: int, sigma_x: float, sigma_y: float, angle: float, beta: float) -> np.ndarray:
    """Return ``exp(-m^beta / 2)``: flat and steep for beta above 1, heavy-tailed below (Liu et al. 2020)."""
    return _normalised(np.exp(-0.5 * _mahalanobis(size, sigma_x, sigma_y, angle) ** beta))


def plateau(size: int, sigma_x: float, sigma_y: float, angle: float, beta: float) -> np.ndarray:
    """Return ``1 / (1 + m^beta)``."""
    return _normalised(1 / (1 + _mahalanobis(size, sigma_x, sigma_y, angle) ** beta))


def sinc(size: int, cutoff: float) -> np.ndarray:
    """Return the ideal circular low-pass filter, which rings.

    Args:
        size: side in pixels.
        cutoff: angular frequency in radians per pixel, up to pi.
    """
    x, y = _offsets(size)
    distance = np.hypot(x, y)
    distance[size // 2, size // 2] = 1  # its limit is set below
    from scipy.special import j1  # scipy.special takes a quarter of a second to import, which few recipes need

    kernel = cutoff * j1(cutoff * distance) / (2 * np.pi * distance)
    kernel[size // 2, size // 2] = cutoff**2 / (4 * np.pi)
    return _normalised(kernel)


def div2krk(
    lambda_1: float,
    lambda_2: float,
    angle: float,
    noise: np.ndarray | None = None,
    *,
    size: int = 11,
    shift: float = 0.0,
) -> np.ndarray:
    """Return a kernel of the DIV2KRK set (Bell-Kligler et al. 2019).

    Args:
        lambda_1, lambda_2: variances along the rotated axes, in pixels².
        angle: rotation in radians.
        noise: ``[size, size]``; the kernel is multiplied by ``1 + noise``.
        size: side in pixels.
        shift: shift of the centre to the right and down, in pixels.
    """
    kernel = np.exp(-0.5 * _mahalanobis(size, math.sqrt(lambda_1), math.sqrt(lambda_2), angle, shift))
    return _normalised(kernel if noise is None else kernel * (1 + noise))


@lru_cache(maxsize=64)
def disk(radius: float) -> np.ndarray:
    """Return a disk of `radius` pixels; the fractional part fades in the outer ring.

    The side is ``2 ceil(radius) + 1``; radius 0 is one pixel.
    """
    reach = math.ceil(radius)
    fraction = radius % 1
    kernel = _inside(reach, reach)
    if fraction:
        kernel = np.minimum(1, _inside(reach, reach - 1) + fraction * kernel)
    return _normalised(kernel)


@lru_cache(maxsize=64)
def complex_lens(radius: float, components: int) -> np.ndarray:
    """Return a disk approximated by complex Gaussians (Niemitalo), soft-edged and slightly ringing.

    Args:
        radius: above 0; rounded up to whole pixels.
        components: number of Gaussians, 1 to 6; more approximate the disk better.
    """
    scale = 1.4 if components == 1 else 1.2
    t = np.linspace(-scale, scale, 2 * math.ceil(radius) + 1)
    kernel = np.zeros((len(t), len(t)))
    for a, b, real, imaginary in LENS_COMPONENTS[components]:
        line = np.exp(-(a - 1j * b) * t * t)
        plane = np.outer(line, line)
        kernel += real * plane.real + imaginary * plane.imag
    return _normalised(kernel)


def motion(length: float, angle: float) -> np.ndarray:
    """Return the kernel of straight, uniform motion.

    Args:
        length: length of the motion in pixels; 1 or less means no motion.
        angle: direction in radians.
    """
    reach = max(1, math.ceil((length - 1) / 2))
    x, y = _offsets(2 * reach + 1)
    along = x * math.cos(angle) + y * math.sin(angle)
    across = -x * math.sin(angle) + y * math.cos(angle)
    beyond = np.maximum(np.abs(along) - max(length - 1, 0) / 2, 0)
    return _normalised(np.clip(1 - np.hypot(across, beyond), 0, None))


@lru_cache(maxsize=64)
def airy(radius: float) -> np.ndarray:
    """Return the diffraction of a circular aperture, Airy's pattern ``(2 J1(x) / x)²``, up to the fifth dark ring.

    Every value is the mean over 5x5 points of its pixel.

    Args:
        radius: radius of the first dark ring in pixels; 0 is one pixel.
    """
    if radius == 0:
        return np.ones((1, 1))
    side = 2 * math.ceil(_FIFTH_RING / _FIRST_RING * radius) + 1
    x, y = _offsets(5 * side)
    from scipy.special import j1  # as in `sinc`

    scaled = np.maximum(np.hypot(x, y) * (_FIRST_RING / radius / 5), 1e-9)
    pattern = np.where(scaled < _FIFTH_RING, (2 * j1(scaled) / scaled) ** 2, 0)
    return _normalised(pattern.reshape(side, 5, side, 5).mean(axis=(1, 3)))


@lru_cache(maxsize=64)
def ring(outer: float, inner: float) -> np.ndarray:
    """Return a ring, whose edges fade over one pixel; `outer` and `inner` are radii in pixels, 0 is one pixel."""
    if outer <= inner or outer == 0:
        return np.ones((1, 1))
    x, y = _offsets(2 * math.ceil(outer + 0.5) + 1)
    distance = np.hypot(x, y)
    return _normalised(np.clip(outer + 0.5 - distance, 0, 1) - np.clip(inner + 0.5 - distance, 0, 1))


def triangle(radius: float) -> np.ndarray:
    """Return weights along a line that fall linearly from the middle to 0 at ``radius + 1`` pixels."""
    reach = math.ceil(radius)
    return _normalised(np.clip(radius + 1 - np.abs(np.arange(-reach, reach + 1)), 0, None))


def _offsets(size: int) -> tuple[np.ndarray, np.ndarray]:
    axis = np.arange(size, dtype=np.float64) - (size - 1) / 2
    return np.meshgrid(axis, axis)


def _mahalanobis(size: int, sigma_x: float, sigma_y: float, angle: float, shift: float = 0.0) -> np.ndarray:
    x, y = _offsets(size)
    x, y = x - shift, y - shift
    cosine, sine = math.cos(angle), math.sin(angle)
    return ((x * cosine + y * sine) / sigma_x) ** 2 + ((y * cosine - x * sine) / sigma_y) ** 2


def _inside(reach: int, radius: int) -> np.ndarray:
    x, y = _offsets(2 * reach + 1)
    return (x * x + y * y <= radius * radius).astype(np.float64)


def _normalised(kernel: np.ndarray) -> np.ndarray:
    return kernel / kernel.sum()
