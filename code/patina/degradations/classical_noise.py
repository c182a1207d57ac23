"""Noise: Gaussian, uniform, Poisson, speckle, salt and pepper, of chroma alone, and correlated as by cameras."""

import math
from typing import Annotated, ClassVar, Literal

import cv2
import numpy as np

from patina.degradations.base import Frame, Operation, Parameters
from patina.degradations.ranges import Between, Probability, RealRange, draw_real
from patina.seeding import numpy_rng

LUMA = np.array([0.2989, 0.5870, 0.1140], np.float32)

FROM_CHROMA = np.array([[0, -0.344136, 1.772], [1.402, -0.714136, 0]], np.float32)
"""Changes of R, G and B by Cb and by Cr (BT.601, full range)."""


def add_gaussian(image: np.ndarray, standard: np.ndarray, sigma: float) -> np.ndarray:
    """Add Gaussian noise.

    Args:
        image: ``[H, W, 3]`` float32 in [0, 1].
        standard: standard-normal draws, ``[H, W, 3]``, or ``[H, W]`` shared by all channels.
        sigma: std (8-bit).

    Returns:
        The noisy picture, clipped to [0, 1].
    """
    return np.clip(image + _planes(standard) * np.float32(sigma / 255), 0, 1)


def poisson_base(image: np.ndarray, gray: bool) -> tuple[np.ndarray, float]:
    """Return the expected counts as fractions of white (the picture or its luma, rounded to 8 bits), and white's count.

    White's count is the next power of two at or above the number of distinct levels in the picture.
    """
    base = np.rint((image @ LUMA if gray else image).clip(0, 1) * 255)
    levels = np.count_nonzero(np.bincount(base.astype(np.uint8).ravel()))
    return base / np.float32(255), float(2 ** math.ceil(math.log2(levels)))


def add_poisson(image: np.ndarray, base: np.ndarray, counts: np.ndarray, white: float, scale: float) -> np.ndarray:
    """Add Poisson noise.

    Args:
        image: ``[H, W, 3]`` float32 in [0, 1].
        base: from `poisson_base`, ``[H, W, 3]`` or ``[H, W]``.
        counts: drawn from a Poisson distribution of mean ``base * white``.
        white: from `poisson_base`.
        scale: factor of the noise.

    Returns:
        The noisy picture, clipped to [0, 1].
    """
    noise = (counts / white).astype(np.float32) - base
    return np.clip(image + np.float32(scale) * _planes(noise), 0, 1)


def _planes(noise: np.ndarray) -> np.ndarray:
    """Give gray noise a channel axis."""
    return noise[..., None] if noise.ndim == 2 else noise


def _standard(key: int, image: np.ndarray, gray: bool) -> np.ndarray:
    shape = image.shape[:2] if gray else image.shape
    return numpy_rng(key, "noise").standard_normal(shape, np.float32)


class _SometimesGray(Operation):
    """Noise with one strength parameter, independent per channel or shared by all channels.

    Attributes:
        strength: name of the strength range.
    """

    strength: ClassVar[str]
    gray: Probability = 0.0
    """Probability that all channels share one noise (grey noise)."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw the strength and whether the noise is gray."""
        return {self.strength: draw_real(rng, getattr(self, self.strength)), "gray": bool(rng.random() < self.gray)}


class GaussianNoise(_SometimesGray):
    """Additive white Gaussian noise."""

    name = "gaussian_noise"
    family = "noise"
    strength = "sigma"

    sigma: Annotated[RealRange, Between(0, 255)]
    """Std (8-bit)."""

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Add the noise."""
        return add_gaussian(image, _standard(key, image, parameters["gray"]), parameters["sigma"])


class UniformNoise(_SometimesGray):
    """Additive white noise, all values within its amplitude equally likely."""

    name = "uniform_noise"
    family = "noise"
    strength = "amplitude"

    amplitude: Annotated[RealRange, Between(0, 255)]
    """Largest change of a value, in grey levels (0 to 255); the std is this divided by the square root of 3."""

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Add the noise."""
        shape = image.shape[:2] if parameters["gray"] else image.shape
        draws = 2 * numpy_rng(key, "noise").random(shape, np.float32) - 1
        return np.clip(image + _planes(draws) * np.float32(parameters["amplitude"] / 255), 0, 1)


class ChromaNoise(Operation):
    """Gaussian noise of the colours, which leaves the luma as it is."""

    name = "chroma_noise"
    family = "noise"

    sigma: Annotated[RealRange, Between(0, 255)]
    """Std (8-bit) of Cb and of Cr."""

    grain: Annotated[RealRange, Between(0, 20)] = (0.0, 0.0)
    """Standard deviation of the Gaussian that correlates neighbours, in pixels; 0 is white noise."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw std and grain."""
        return {"sigma": draw_real(rng, self.sigma), "grain": draw_real(rng, self.grain)}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Add noise to Cb and Cr (BT.601)."""
        white = numpy_rng(key, "noise").standard_normal((*image.shape[:2], 2), np.float32)
        return add_gaussian(image, correlated(white, parameters["grain"]) @ FROM_CHROMA, parameters["sigma"])


class PoissonNoise(_SometimesGray):
    """Shot noise as in Real-ESRGAN (Wang et al. 2021).

    White counts as many photons as the next power of two at or above the number of distinct values in the image, so
    images with few values get strong noise.
    """

    name = "poisson_noise"
    family = "noise"
    strength = "scale"

    scale: Annotated[RealRange, Between(0, 100)]
    """Factor of the noise."""

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Draw the photon counts and add their noise."""
        base, white = poisson_base(image, parameters["gray"])
        counts = numpy_rng(key, "noise").poisson(base.astype(np.float64) * white)
        return add_poisson(image, base, counts, white, parameters["scale"])


class Speckle(_SometimesGray):
    """Multiplicative Gaussian noise."""

    name = "speckle"
    family = "noise"
    strength = "sigma"

    sigma: Annotated[RealRange, Between(0, 255)]
    """Std (8-bit) at white; the noise is proportional to the value."""

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Multiply by ``1 + noise``."""
        noise = _planes(_standard(key, image, parameters["gray"])) * np.float32(parameters["sigma"] / 255)
        return np.clip(image + image * noise, 0, 1)


class SaltAndPepper(_SometimesGray):
    """Values set to black or white."""

    name = "salt_and_pepper"
    family = "noise"
    strength = "share"

    share: Annotated[RealRange, Between(0, 1)]
    """Fraction of the values."""

    gray: Probability = 1.0
    """Probability that all channels of a pixel change together."""

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Set the values."""
        shape = image.shape[:2] if parameters["gray"] else image.shape
        draws, share = _planes(numpy_rng(key, "noise").random(shape, np.float32)), np.float32(parameters["share"])
        salted = np.where(draws < share / 2, np.float32(0), image)
        return np.where(draws > 1 - share / 2, np.float32(1), salted)


class CorrelatedNoise(Operation):
    """Gaussian noise correlated between neighbours and channels, as camera processing leaves it."""

    name = "correlated_noise"
    family = "noise"

    sigma: Annotated[RealRange, Between(0, 255)]
    """Std (8-bit)."""

    grain: Annotated[RealRange, Between(0, 20)] = (0.0, 0.0)
    """Standard deviation of the Gaussian that correlates neighbours, in pixels; 0 is white noise."""

    shared: Annotated[RealRange, Between(0, 1)] | Literal["random"] = (0.0, 0.5)
    """Fraction of the variance that all channels share, or `random` for a random covariance of the channels."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw std, grain and the channel mixing: the noise is independent draws times `mixing`, ``[3, 3]``."""
        mixing = _random_mixing(rng) if self.shared == "random" else _even_mixing(draw_real(rng, self.shared))
        return {"sigma": draw_real(rng, self.sigma), "grain": draw_real(rng, self.grain), "mixing": mixing.tolist()}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Correlate white noise in space and across channels, and add it."""
        white = correlated(_standard(key, image, gray=False), parameters["grain"])
        return add_gaussian(image, white @ np.array(parameters["mixing"], np.float32), parameters["sigma"])


def _even_mixing(shared: float) -> np.ndarray:
    """Return the square root of a covariance with 1 on the diagonal and `shared` elsewhere."""
    values, vectors = np.linalg.eigh(np.full((3, 3), shared) + (1 - shared) * np.eye(3))
    return (vectors * np.sqrt(values.clip(0))) @ vectors.T


def _random_mixing(rng: np.random.Generator) -> np.ndarray:
    """Return the square root of a covariance with random axes and variances drawn from [0, 1]."""
    axes, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    return (axes * np.sqrt(rng.random(3))) @ axes.T


def correlated(white: np.ndarray, along_rows: float, along_columns: float | None = None) -> np.ndarray:
    """Correlate neighbours by a Gaussian, preserving the noise's standard deviation.

    Args:
        white: ``[H, W, C]``.
        along_rows: std of the Gaussian in pixels; 0 for none.
        along_columns: the same; by default that along rows.
    """
    along_columns = along_rows if along_columns is None else along_columns
    if not along_rows and not along_columns:
        return white
    across, down = _unit_kernel(along_rows), _unit_kernel(along_columns)
    return cv2.sepFilter2D(white, -1, across, down, borderType=cv2.BORDER_REFLECT)


def _unit_kernel(std: float) -> np.ndarray:
    """Return a sampled Gaussian whose squares add up to 1."""
    kernel = cv2.getGaussianKernel(2 * math.ceil(3 * std) + 1, std, cv2.CV_64F) if std else np.ones((1, 1))
    return kernel / np.sqrt((kernel**2).sum())
