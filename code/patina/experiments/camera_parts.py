"""Parts of known cameras: optics, a mosaic sensor, a phone's software.

Pictures are RGB float ``[H, W, 3]`` in [0, 1].
"""

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter

from patina.imaging.matlab_resize import imresize
from patina.imaging.recompress import jpeg
from patina.imaging.tone_curve import linear_to_srgb, srgb_to_linear

_WHITE_BALANCE = np.array([2.0, 1.0, 1.6])
"""Gains of red, green and blue, typical of daylight."""


def round_kernel(std: float) -> np.ndarray:
    """Return a Gaussian kernel; `std` in pixels."""
    reach = int(np.ceil(3.5 * std))
    line = np.exp(-0.5 * np.square(np.arange(-reach, reach + 1) / std))
    return np.outer(line, line) / line.sum() ** 2


def ellipse_kernel(along: float, across: float, angle: float) -> np.ndarray:
    """Return an elongated Gaussian kernel.

    Args:
        along, across: std in pixels.
        angle: of the long axis, in radians from the x axis to y, down.
    """
    reach = int(np.ceil(3.5 * max(along, across)))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    u, v = x * np.cos(angle) + y * np.sin(angle), -x * np.sin(angle) + y * np.cos(angle)
    kernel = np.exp(-0.5 * ((u / along) ** 2 + (v / across) ** 2))
    return kernel / kernel.sum()


def disk_kernel(radius: float) -> np.ndarray:
    """Return the kernel of defocus: a disk, counted on a grid of eighths of a pixel; `radius` in pixels."""
    reach = int(np.ceil(radius)) + 1
    y, x = np.mgrid[-reach * 8 : reach * 8 + 1, -reach * 8 : reach * 8 + 1] / 8
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    np.add.at(kernel, (np.rint(y).astype(int) + reach, np.rint(x).astype(int) + reach), x * x + y * y <= radius**2)
    return kernel / kernel.sum()


def motion_kernel(length: float, angle: float) -> np.ndarray:
    """Return the kernel of a straight movement; `length` in pixels, `angle` in radians from the x axis to y, down."""
    reach = int(np.ceil(length / 2)) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    for place in np.linspace(-length / 2, length / 2, 64):  # bilinear shares of points along the way
        x, y = reach + place * np.cos(angle), reach + place * np.sin(angle)
        column, row = int(x), int(y)
        right, down = x - column, y - row
        kernel[row : row + 2, column : column + 2] += np.outer([1 - down, down], [1 - right, right])
    return kernel / kernel.sum()


def blurred(picture: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Convolve every channel."""
    return cv2.filter2D(picture, -1, kernel[::-1, ::-1], borderType=cv2.BORDER_REPLICATE)


def pixels_of(picture: np.ndarray) -> np.ndarray:
    """Return what an 8-bit camera stores: uint8, clipped."""
    return np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)


def half_size(picture: np.ndarray) -> np.ndarray:
    """Shrink to half the size by MATLAB's bicubic."""
    return imresize(picture, 0.5)


def resized(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Shrink by averaging, as web services do."""
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def grain(shape: tuple[int, ...], std: float, rng: np.random.Generator) -> np.ndarray:
    """Return noise of variance 1 whose neighbours a Gaussian of `std` pixels correlates, ``[H, W, C]``."""
    noise = gaussian_filter(rng.standard_normal(shape), (std, std, 0), mode="wrap")
    return noise / noise.std()


def bayer_raw(picture: np.ndarray, *, electrons: float, read: float, rng: np.random.Generator) -> np.ndarray:
    """Photograph with a sensor behind an RGGB mosaic, and develop.

    Args:
        picture: what arrives, in display values.
        electrons: at full brightness in green.
        read: std of the read noise, in electrons.
        rng: of the noise.
    """
    linear = srgb_to_linear(np.clip(picture, 0, 1)) / _WHITE_BALANCE
    height, width = linear.shape[0] // 2 * 2, linear.shape[1] // 2 * 2
    channel = np.tile(np.array([[0, 1], [1, 2]]), (height // 2, width // 2))
    light = np.take_along_axis(linear[:height, :width], channel[..., None], axis=2)[..., 0] * electrons
    counts = rng.poisson(light) + read * rng.standard_normal(light.shape)
    balanced = counts / electrons * _WHITE_BALANCE[channel]
    seen = _demosaiced(balanced.astype(np.float32))
    whole = picture.copy()
    whole[:height, :width] = linear_to_srgb(np.clip(seen, 0, 1))
    return whole


def _demosaiced(mosaic: np.ndarray) -> np.ndarray:
    """Return RGB from an RGGB mosaic, by OpenCV's edge-aware demosaicing in 16 bit."""
    offset = 2048  # read noise reaches below black
    counts = np.clip(mosaic * 40000 + offset, 0, 65535).astype(np.uint16)
    rgb = cv2.cvtColor(counts, cv2.COLOR_BayerBG2BGR_EA)[..., ::-1]
    return (rgb.astype(np.float32) - offset) / 40000


def denoised(picture: np.ndarray, strength: float) -> np.ndarray:
    """Denoise by non-local means, as phones do; `strength` in grey levels."""
    pixels = pixels_of(picture)
    return cv2.fastNlMeansDenoisingColored(pixels, None, strength, strength * 1.5, 5, 15).astype(float) / 255


def sharpened(picture: np.ndarray, sigma: float, amount: float) -> np.ndarray:
    """Sharpen by an unsharp mask."""
    return picture + amount * (picture - gaussian_filter(picture, (sigma, sigma, 0)))


def coded_again(picture: np.ndarray, quality: int) -> np.ndarray:
    """Return the picture after JPEG compression with halved chroma."""
    return jpeg(pixels_of(picture), quality).astype(float) / 255
