"""Blurs by the light's way through a lens, diffraction and a mirror lens's ring, and by a triangle filter."""

from typing import Annotated

import cv2
import numpy as np

from patina.degradations import kernels
from patina.degradations.base import Frame, Operation, Parameters
from patina.degradations.blur import convolve
from patina.degradations.ranges import Between, RealRange, draw_real


class AiryBlur(Operation):
    """Diffraction by a small aperture."""

    name = "airy_blur"
    family = "blur"

    radius: Annotated[RealRange, Between(0, 20)]
    """Radius of the first dark ring of Airy's pattern, in pixels."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw the radius."""
        return {"radius": draw_real(rng, self.radius)}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Convolve with the pattern."""
        return convolve(image, kernels.airy(parameters["radius"]))


class RingBlur(Operation):
    """Defocus of a mirror lens, whose middle is covered: convolution with a ring."""

    name = "ring_blur"
    family = "blur"

    radius: Annotated[RealRange, Between(0, 100)]
    """Outer radius in pixels."""

    hole: Annotated[RealRange, Between(0, 0.99)] = (0.5, 0.5)
    """Inner radius relative to the outer one."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw both radii."""
        outer = draw_real(rng, self.radius)
        return {"outer": outer, "inner": outer * draw_real(rng, self.hole)}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Convolve with the ring."""
        return convolve(image, kernels.ring(parameters["outer"], parameters["inner"]))


class TriangleBlur(Operation):
    """Blur whose weights fall linearly along both axes: smoother than a box."""

    name = "triangle_blur"
    family = "blur"

    radius: Annotated[RealRange, Between(0, 100)]
    """The weights reach 0 at one pixel more than this; need not be whole."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw the radius."""
        return {"radius": draw_real(rng, self.radius)}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Convolve rows and columns."""
        line = kernels.triangle(parameters["radius"])
        return cv2.sepFilter2D(image, -1, line, line, borderType=cv2.BORDER_REFLECT)
