"""Light that a lens or a screen adds or loses: dark corners and ghost images."""

from typing import Annotated, ClassVar

import numpy as np

from patina.degradations.base import Frame, Operation, Parameters
from patina.degradations.chroma import shifted
from patina.degradations.ranges import Between, RealRange, draw_real


class Vignette(Operation):
    """Darker corners, as from a wide-angle lens."""

    name = "vignette"
    family = "vignette"
    mild_at_high = frozenset({"power"})

    strength: Annotated[RealRange, Between(0, 1)]
    """Fraction of the values lost in the corners."""

    power: Annotated[RealRange, Between(0.5, 16)] = (2.0, 2.0)
    """Power of the distance from the centre with which the loss grows; high ones darken the corners only."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw strength and power."""
        return {"strength": draw_real(rng, self.strength), "power": draw_real(rng, self.power)}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Darken in circles around the centre."""
        squares = [(np.arange(length, dtype=np.float32) - (length - 1) / 2) ** 2 for length in image.shape[:2]]
        distance = squares[0][:, None] + squares[1]
        relative = (distance / max(float(distance.max()), 1e-6)) ** np.float32(parameters["power"] / 2)
        return image * (1 - np.float32(parameters["strength"]) * relative)[..., None]


class Ghosting(Operation):
    """A faint copy beside the image, as from reflections in a lens or of an aerial's signal."""

    name = "ghosting"
    family = "ghosting"
    neutral: ClassVar = {"x": 0, "y": 0}

    x: Annotated[RealRange, Between(-500, 500)] = (0.0, 0.0)
    """Shift of the copy to the right, in pixels; negative: to the left."""

    y: Annotated[RealRange, Between(-500, 500)] = (0.0, 0.0)
    """Shift of the copy downwards, in pixels; negative: upwards."""

    strength: Annotated[RealRange, Between(0, 1)] = (0.2, 0.2)
    """Part of the copy in the result; the rest is the image."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw shift and strength."""
        return {name: draw_real(rng, getattr(self, name)) for name in ("x", "y", "strength")}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Mix the image with its copy."""
        copy = shifted(image, parameters["y"], parameters["x"])
        return image + np.float32(parameters["strength"]) * (copy - image)
