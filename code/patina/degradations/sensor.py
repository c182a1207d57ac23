"""Camera degradations: lens blur and shake, sensor noise, and denoising.

Every parameter fades continuously to no effect, so that it can be fitted to photographs.
"""

import math
from typing import Annotated

import cv2
import numpy as np

from patina.degradations.base import Frame, Operation, Parameters
from patina.degradations.classical_noise import LUMA, correlated
from patina.degradations.ranges import Between, RealRange, draw_real
from patina.seeding import numpy_rng

NARROWEST = 0.15
"""Std in pixels below which a sampled Gaussian is a single pixel."""


class EllipseBlur(Operation):
    """Anisotropic Gaussian blur for defocus and for shake in any direction.

    The kernel is ``exp(-d' C^-1 d / 2)`` with the covariance C = [[x², t x y], [t x y, y²]].
    """

    name = "ellipse_blur"
    family = "blur"

    sigma_x: Annotated[RealRange, Between(0, 50)]
    """Horizontal std, in pixels; 0 means no blur."""

    sigma_y: Annotated[RealRange, Between(0, 50)]
    """Vertical std, in pixels; 0 means no blur."""

    tilt: Annotated[RealRange, Between(-0.99, 0.99)] = (0.0, 0.0)
    """Correlation of the two axes: towards 1 the blur runs from top left to bottom right."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw all three."""
        return {name: draw_real(rng, getattr(self, name)) for name in ("sigma_x", "sigma_y", "tilt")}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Convolve with the kernel."""
        kernel = ellipse_kernel(parameters["sigma_x"], parameters["sigma_y"], parameters["tilt"])
        return cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REFLECT)


def ellipse_kernel(sigma_x: float, sigma_y: float, tilt: float) -> np.ndarray:
    """Return the kernel of `EllipseBlur`: float64, sum 1, truncated at three standard deviations."""
    x, y = max(sigma_x, NARROWEST), max(sigma_y, NARROWEST)
    reach = math.ceil(3 * max(x, y))
    inverse = np.linalg.inv(np.array([[x * x, tilt * x * y], [tilt * x * y, y * y]]))
    places = np.stack(np.meshgrid(np.arange(-reach, reach + 1), np.arange(-reach, reach + 1)), axis=-1)
    kernel = np.exp(-0.5 * np.einsum("...i,ij,...j->...", places, inverse, places))
    return kernel / kernel.sum()


class SensorNoise(Operation):
    """Sensor noise after camera processing: brightness-dependent, spatially correlated, separate in luma and chroma.

    The noise is n = sigma s(b) (w f + chroma c) with independent f and c: f is correlated over `grain` pixels and
    partly shared by the channels, c has no luma and is correlated over `chroma_grain` pixels, along rows over a
    little more with `chroma_smear`; w is `red`, 1 and `blue`.
    With d = b / 128 - 1 for the brightness b (0 to 255), the variance is s² = 1 + gain d + curve d²: linear for a
    sensor (Foi et al. 2008, equation 3), bent by a tone curve or by film.
    """

    name = "sensor_noise"
    family = "noise"

    sigma: Annotated[RealRange, Between(0, 255)]
    """Std (8-bit) at mid-grey; 0 means no noise."""

    gain: Annotated[RealRange, Between(-1, 1)] = (0.0, 0.0)
    """Growth of the variance with brightness: 1 means no noise in black, -1 none in white."""

    curve: Annotated[RealRange, Between(-1, 4)] = (0.0, 0.0)
    """Bend of that growth: below 0, the noise is strongest at mid-grey, as film's."""

    red: Annotated[RealRange, Between(0, 10)] = (1.0, 1.0)
    """Std in red relative to green."""

    blue: Annotated[RealRange, Between(0, 10)] = (1.0, 1.0)
    """Std in blue relative to green."""

    grain: Annotated[RealRange, Between(0, 20)] = (0.0, 0.0)
    """Std of the Gaussian that correlates neighbours, in pixels; 0 is white noise."""

    shared: Annotated[RealRange, Between(0, 1)] = (0.0, 0.0)
    """Fraction of the variance that the channels share; 1 is grey noise."""

    chroma: Annotated[RealRange, Between(0, 10)] = (0.0, 0.0)
    """Std of additional colour noise relative to `sigma`; 0 is none."""

    chroma_grain: Annotated[RealRange, Between(0, 50)] = (0.0, 0.0)
    """Std of the Gaussian that correlates the colour noise, in pixels."""

    chroma_smear: Annotated[RealRange, Between(0, 50)] = (0.0, 0.0)
    """Std of a second one, along rows alone, in pixels: cameras filter colour along the lines of the sensor."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw all of them."""
        names = ("sigma", "gain", "curve", "red", "blue", "grain", "shared", "chroma", "chroma_grain", "chroma_smear")
        return {name: draw_real(rng, getattr(self, name)) for name in names}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Add the noise and clip."""
        rng, shape = numpy_rng(key, "noise"), image.shape
        own, common = rng.standard_normal(shape, np.float32), rng.standard_normal(shape[:2], np.float32)
        own *= np.float32(math.sqrt(1 - parameters["shared"]))
        own += _in_all_channels(common * np.float32(math.sqrt(parameters["shared"])))
        noise = correlated(own, parameters["grain"])
        rows = noise.reshape(shape[0], -1)
        rows *= np.tile(np.array([parameters["red"], 1, parameters["blue"]], np.float32), shape[1])
        if parameters["chroma"]:
            grain, smear = parameters["chroma_grain"], parameters["chroma_smear"]
            colour = correlated(rng.standard_normal(shape, np.float32), math.hypot(grain, smear), grain)
            colour -= _in_all_channels(colour @ LUMA)
            colour *= np.float32(parameters["chroma"])
            noise += colour
        away = (image @ LUMA) * np.float32(255 / 128) - 1
        strength = np.sqrt(np.clip(1 + (parameters["gain"] + parameters["curve"] * away) * away, 0, None))
        noise *= _in_all_channels(np.float32(parameters["sigma"] / 255) * strength)
        noise += image
        return np.clip(noise, 0, 1, out=noise)


def _in_all_channels(plane: np.ndarray) -> np.ndarray:
    """Return ``[H, W]`` three times, ``[H, W, 3]``: NumPy repeats it within an operation in several times as long."""
    return cv2.merge([plane] * 3)


class BilateralDenoise(Operation):
    """Edge-preserving denoising as in phones: a bilateral filter (Tomasi and Manduchi 1998)."""

    name = "bilateral"
    family = "denoising"

    strength: Annotated[RealRange, Between(0, 255)]
    """Std (8-bit) of the differences that are smoothed; 0 means no denoising."""

    sigma: Annotated[RealRange, Between(0.1, 10)] = (2.0, 2.0)
    """Std of the window, in pixels."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw both."""
        return {"strength": draw_real(rng, self.strength), "sigma": draw_real(rng, self.sigma)}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Filter."""
        if parameters["strength"] < 0.5:
            return image
        size = 2 * math.ceil(1.5 * parameters["sigma"]) + 1
        return cv2.bilateralFilter(image, size, parameters["strength"] / 255, parameters["sigma"])
