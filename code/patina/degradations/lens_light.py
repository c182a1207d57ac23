"""Light that a lens adds or loses: dark corners, ghost images, glare."""

from typing import Annotated, ClassVar

import cv2
import numpy as np
from pydantic import Field

from patina.degradations.base import Frame, Operation, Parameters
from patina.degradations.chroma import shifted
from patina.degradations.ranges import Among, Between, RealRange, Weights, draw_kind, draw_real
from patina.imaging.tone_curve import linear_to_srgb, srgb_to_linear


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


class Glare(Operation):
    """Stray light: the veil of a lens, or a lamp in or beside the image."""

    name = "glare"
    family = "glare"

    kind: Annotated[Weights, Among(("veil", "lamp"), "kind of glare")] = Field({"veil": 1.0})
    """`veil`: a part of the light is spread around, so that the dark beside the bright becomes grey; `lamp`: white
    light is added around one place."""

    strength: Annotated[RealRange, Between(0, 1)]
    """Part of the light that is spread, or brightness of the lamp's centre."""

    spread: Annotated[RealRange, Between(0.005, 2)] = (0.1, 0.1)
    """How far the light is spread, relative to the image's diagonal: std of a veil, half-width of a lamp's light."""

    x: Annotated[RealRange, Between(-1, 2)] = (0.5, 0.5)
    """Place of a lamp: 0 is the left edge, 1 the right one."""

    y: Annotated[RealRange, Between(-1, 2)] = (0.1, 0.1)
    """Place of a lamp: 0 is the upper edge, 1 the lower one."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw kind, strength, spread, and a lamp's place."""
        kind = draw_kind(rng, self.kind)
        names = ("strength", "spread", "x", "y") if kind == "lamp" else ("strength", "spread")
        return {"kind": kind, **{name: draw_real(rng, getattr(self, name)) for name in names}}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Spread or add light, in linear light."""
        light, strength = srgb_to_linear(image), np.float32(parameters["strength"])
        reach = parameters["spread"] * float(np.hypot(*image.shape[:2]))
        if parameters["kind"] == "veil":
            light = light + strength * (_spread(light.astype(np.float32), reach) - light)
        else:
            y, x = (
                np.arange(length, dtype=np.float32) - parameters[axis] * (length - 1)
                for axis, length in zip("yx", image.shape[:2], strict=True)
            )
            lamp = strength / (1 + (y[:, None] ** 2 + x**2) / np.float32(reach**2))
            light = 1 - (1 - light) * (1 - lamp[..., None])
        return np.clip(linear_to_srgb(light), 0, 1).astype(np.float32)


def _spread(light: np.ndarray, sigma: float) -> np.ndarray:
    """Blur by a wide Gaussian, on a smaller picture where that makes no difference."""
    step = max(1, int(sigma / 4))
    height, width = light.shape[:2]
    few = cv2.resize(light, (-(-width // step), -(-height // step)), interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(few, (0, 0), sigma / step, borderType=cv2.BORDER_REPLICATE)
    return cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR)
