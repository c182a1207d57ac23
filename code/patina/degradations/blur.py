"""Blurs: lens, random kernels, motion, median and sinc."""

import math
from typing import Annotated

import cv2
import numpy as np
from pydantic import AfterValidator, Field

from patina.degradations import kernels
from patina.degradations.base import Frame, Operation, Parameters
from patina.degradations.ranges import (
    Among,
    Between,
    OddRange,
    RealRange,
    Weights,
    draw_kind,
    draw_odd,
    draw_real,
)
from patina.imaging.value_spaces import to_values, values_to_pixels
from patina.seeding import numpy_rng

KERNEL_KINDS = (
    "isotropic",
    "anisotropic",
    "generalised_isotropic",
    "generalised_anisotropic",
    "plateau_isotropic",
    "plateau_anisotropic",
)


def convolve(image: np.ndarray, kernel: np.ndarray, border: int = cv2.BORDER_REFLECT) -> np.ndarray:
    """Correlate ``[H, W, 3]`` float32 with a kernel, without clipping; borders are mirrored, edge pixel included."""
    return cv2.filter2D(image, -1, kernel, borderType=border)


def _clipped(image: np.ndarray) -> np.ndarray:
    return np.clip(image, 0, 1, out=image)


def _require_odd(size: int) -> int:
    if size % 2 == 0:
        raise ValueError(f"expected an odd number, found {size}")
    return size


class LensBlur(Operation):
    """Defocus: convolution with a disk."""

    name = "lens_blur"
    family = "blur"

    radius: Annotated[RealRange, Between(0, 100)]
    """Radius of the disk in pixels; need not be whole."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw the radius."""
        return {"radius": draw_real(rng, self.radius)}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Convolve with the disk."""
        return convolve(image, kernels.disk(parameters["radius"])) if parameters["radius"] else image


class ComplexLensBlur(Operation):
    """Defocus by complex Gaussians, with bleeding highlights."""

    name = "complex_lens_blur"
    family = "blur"

    radius: Annotated[RealRange, Between(0.01, 100)]
    """Radius in pixels, rounded up."""

    components: Annotated[int, Field(ge=1, le=6)] = 5
    """Number of complex Gaussians; more of them approximate a hard disk better."""

    exposure_gamma: Annotated[RealRange, Between(0.1, 10)] = (1.0, 1.0)
    """Above 1, highlights grow."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw radius and gamma."""
        return {
            "radius": draw_real(rng, self.radius),
            "components": self.components,
            "exposure_gamma": draw_real(rng, self.exposure_gamma),
        }

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Convolve after the gamma curve, then undo the curve."""
        gamma = parameters["exposure_gamma"]
        kernel = kernels.complex_lens(parameters["radius"], parameters["components"])
        exposed = convolve(np.power(image, np.float32(gamma)), kernel, cv2.BORDER_REPLICATE)
        return _clipped(np.maximum(exposed, 0) ** np.float32(1 / gamma))


class GaussianBlur(Operation):
    """Random kernels of the Gaussian family."""

    name = "gaussian_blur"
    family = "blur"

    kind: Annotated[Weights, Among(KERNEL_KINDS, "kernel")] = Field({"isotropic": 1.0})
    """Kinds of kernel."""

    size: Annotated[OddRange, Between(3, 101)] = (21, 21)
    """Side of the kernel in pixels; odd numbers."""

    sigma: Annotated[RealRange, Between(0.01, 50)] = (0.2, 3.0)
    """Standard deviation in pixels; drawn for each axis of an anisotropic kernel."""

    angle: Annotated[RealRange, Between(-360, 360)] = (-180.0, 180.0)
    """Rotation of an anisotropic kernel, in degrees."""

    beta_generalised: Annotated[RealRange, Between(0.1, 10)] = (0.5, 4.0)
    """Shape of the generalised kernels: above 1 flat with steep sides, below 1 heavy-tailed."""

    beta_plateau: Annotated[RealRange, Between(0.1, 10)] = (1.0, 2.0)
    """Shape of the plateau kernels."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw a kernel kind and its parameters."""
        kind = draw_kind(rng, self.kind)
        drawn = {"kind": kind, "kernel_size": draw_odd(rng, self.size), "sigma_x": draw_real(rng, self.sigma)}
        if kind.endswith("anisotropic"):
            drawn |= {"sigma_y": draw_real(rng, self.sigma), "angle": draw_real(rng, self.angle)}
        if kind.startswith("generalised"):
            drawn["beta"] = draw_real(rng, self.beta_generalised)
        if kind.startswith("plateau"):
            drawn["beta"] = draw_real(rng, self.beta_plateau)
        return drawn

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Convolve with the kernel."""
        drawn = {"sigma_y": parameters["sigma_x"], "angle": 0.0, **parameters}
        size, sigma_x, sigma_y = drawn["kernel_size"], drawn["sigma_x"], drawn["sigma_y"]
        angle = math.radians(drawn["angle"])
        if parameters["kind"].startswith("generalised"):
            kernel = kernels.generalised_gaussian(size, sigma_x, sigma_y, angle, parameters["beta"])
        elif parameters["kind"].startswith("plateau"):
            kernel = kernels.plateau(size, sigma_x, sigma_y, angle, parameters["beta"])
        else:
            kernel = kernels.gaussian(size, sigma_x, sigma_y, angle)
        return convolve(image, kernel)


class BoxBlur(Operation):
    """Mean over a square window."""

    name = "box_blur"
    family = "blur"

    size: Annotated[OddRange, Between(1, 101)]
    """Side of the window in pixels; odd numbers."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw the side."""
        return {"kernel_size": draw_odd(rng, self.size)}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Average over the window."""
        size = parameters["kernel_size"]
        return cv2.blur(image, (size, size), borderType=cv2.BORDER_REFLECT)


class MotionBlur(Operation):
    """Linear motion blur."""

    name = "motion_blur"
    family = "blur"

    length: Annotated[RealRange, Between(0, 200)]
    """Length of the motion in pixels; 1 or less changes nothing."""

    angle: Annotated[RealRange, Between(-360, 360)] = (0.0, 180.0)
    """Direction in degrees."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw length and angle."""
        return {"length": draw_real(rng, self.length), "angle": draw_real(rng, self.angle)}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Convolve with the motion kernel."""
        return convolve(image, kernels.motion(parameters["length"], math.radians(parameters["angle"])))


class MedianBlur(Operation):
    """Median filter on 8-bit pixels: flat areas with hard edges."""

    name = "median_blur"
    family = "blur"

    size: Annotated[OddRange, Between(1, 101)]
    """Side of the window in pixels; odd numbers."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw the side."""
        return {"kernel_size": draw_odd(rng, self.size)}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Take the median of each channel."""
        return to_values(cv2.medianBlur(values_to_pixels(image), parameters["kernel_size"]))


class Sinc(Operation):
    """Ringing: an ideal low-pass filter."""

    name = "sinc"
    family = "blur"
    mild_at_high = frozenset({"cutoff", "cutoff_small"})

    cutoff: Annotated[RealRange, Between(0.1, math.pi)] = (math.pi / 5, math.pi)
    """Cutoff frequency in radians per pixel; pi passes everything."""

    cutoff_small: Annotated[RealRange, Between(0.1, math.pi)] | None = None
    """Cutoff for kernels smaller than 13 pixels. null: `cutoff`."""

    size: Annotated[OddRange, Between(3, 101)] = (7, 21)
    """Side of the kernel in pixels; odd numbers."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw size and cutoff."""
        size = draw_odd(rng, self.size)
        ends = self.cutoff_small if size < 13 and self.cutoff_small else self.cutoff
        return {"kernel_size": size, "cutoff": draw_real(rng, ends)}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Convolve and clip over- and undershoots."""
        return _clipped(convolve(image, kernels.sinc(parameters["kernel_size"], parameters["cutoff"])))


class Div2krkBlur(Operation):
    """The random kernels of DIV2KRK: anisotropic Gaussians with multiplicative noise."""

    name = "div2krk_blur"
    family = "blur"

    size: Annotated[int, Field(ge=3, le=101), AfterValidator(_require_odd)] = 11
    """Side of the kernel in pixels; an odd number."""

    variance: Annotated[RealRange, Between(0.01, 500)] = (0.6, 5.0)
    """Variance along each axis, in pixels²."""

    angle: Annotated[RealRange, Between(-360, 360)] = (-180.0, 180.0)
    """Rotation in degrees."""

    noise: Annotated[RealRange, Between(0, 0.99)] = (0.25, 0.25)
    """Each kernel value is multiplied by a factor from 1 minus to 1 plus this value."""

    shift: float = 0.0
    """Shift of the kernel's centre to the right and down, in pixels, to match the pixels that a nearest resize picks.
    """

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw covariance and noise strength."""
        return {
            "kernel_size": self.size,
            "variances": [draw_real(rng, self.variance), draw_real(rng, self.variance)],
            "angle": draw_real(rng, self.angle),
            "noise": draw_real(rng, self.noise),
            "shift": self.shift,
        }

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Convolve with the noisy kernel."""
        size, strength = parameters["kernel_size"], parameters["noise"]
        noise = numpy_rng(key, "kernel").uniform(-strength, strength, (size, size))
        (first, second), angle = parameters["variances"], math.radians(parameters["angle"])
        kernel = kernels.div2krk(first, second, angle, noise, size=size, shift=parameters["shift"])
        return convolve(image, kernel)
