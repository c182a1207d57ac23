"""Colour: tone and white-balance shifts, and quantisation with dithering."""

from typing import Annotated

import numpy as np

from patina.degradations.base import Frame, Operation, Parameters
from patina.degradations.ranges import (
    Among,
    Between,
    RealRange,
    Weights,
    WholeRange,
    draw_kind,
    draw_real,
    draw_whole,
)
from patina.imaging.dither import DITHERS, quantise


class ColourShift(Operation):
    """Changes of tone and white balance; the defaults change nothing."""

    name = "colour_shift"
    family = "color"

    brightness: Annotated[RealRange, Between(-1, 1)] = (0.0, 0.0)
    """Added to every value, in units of [0, 1]."""

    contrast: Annotated[RealRange, Between(0, 4)] = (1.0, 1.0)
    """Factor of the distance from mid-grey."""

    saturation: Annotated[RealRange, Between(0, 4)] = (1.0, 1.0)
    """Factor of the distance from the luma."""

    gamma: Annotated[RealRange, Between(0.1, 10)] = (1.0, 1.0)
    """Exponent of the values in [0, 1]."""

    balance: Annotated[RealRange, Between(0, 4)] = (1.0, 1.0)
    """Factor of each channel, drawn for each channel."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw all five."""
        names = ("brightness", "contrast", "saturation", "gamma")
        drawn = {name: draw_real(rng, getattr(self, name)) for name in names}
        return {**drawn, "balance": [draw_real(rng, self.balance) for _ in range(3)]}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Apply balance, then saturation, contrast, brightness and gamma."""
        result = image * np.array(parameters["balance"], np.float32)
        luma = (result @ np.array([0.299, 0.587, 0.114], np.float32))[..., None]
        result = luma + np.float32(parameters["saturation"]) * (result - luma)
        result = np.float32(0.5) + np.float32(parameters["contrast"]) * (result - np.float32(0.5))
        return np.clip(result + np.float32(parameters["brightness"]), 0, 1) ** np.float32(parameters["gamma"])


class Quantise(Operation):
    """Quantisation to a few levels per channel."""

    name = "quantise"
    family = "quantization"
    mild_at_high = frozenset({"levels"})

    levels: Annotated[WholeRange, Between(2, 256)]
    """Number of levels."""

    dither: Annotated[Weights, Among(DITHERS, "dither")]
    """Kinds of dithering; `ordered` is Bayer 8×8."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw levels and dither."""
        return {"levels": draw_whole(rng, self.levels), "dither": draw_kind(rng, self.dither)}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Quantise."""
        return quantise(image, parameters["levels"], parameters["dither"])
