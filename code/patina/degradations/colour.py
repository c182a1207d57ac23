"""Colour: tone and white-balance shifts, levels, and quantisation to levels or a palette."""

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field, model_validator

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
from patina.imaging.dither import DITHERS, RIEMERSMA, quantise, reduce_to_palette
from patina.imaging.riemersma import HISTORY, RATIO


class ColourShift(Operation):
    """Changes of tone and white balance; the defaults change nothing."""

    name = "colour_shift"
    family = "color"
    neutral: ClassVar = {"brightness": 0, "contrast": 1, "saturation": 1, "gamma": 1, "balance": 1}

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


class Levels(Operation):
    """Levels as in image editors: values between two ends are stretched, the others cut off."""

    name = "levels"
    family = "color"
    neutral: ClassVar = {"gamma": 1}
    mild_at_high = frozenset({"white", "output_white"})

    black: Annotated[RealRange, Between(0, 255)] = (0.0, 0.0)
    """Grey level (0 to 255) that becomes the darkest; lower ones are cut off."""

    white: Annotated[RealRange, Between(0, 255)] = (255.0, 255.0)
    """Grey level that becomes the brightest; higher ones are cut off."""

    gamma: Annotated[RealRange, Between(0.1, 10)] = (1.0, 1.0)
    """Exponent of the stretched values; above 1 darkens."""

    output_black: Annotated[RealRange, Between(0, 255)] = (0.0, 0.0)
    """The darkest grey level of the result."""

    output_white: Annotated[RealRange, Between(0, 255)] = (255.0, 255.0)
    """The brightest grey level of the result."""

    @model_validator(mode="after")
    def _black_is_below_white(self) -> "Levels":
        for low, high in (("black", "white"), ("output_black", "output_white")):
            darkest, brightest = getattr(self, low)[1], getattr(self, high)[0]
            if darkest >= brightest:
                raise ValueError(f"{low} goes up to {darkest:g}, expected less than {high}'s lowest, {brightest:g}")
        return self

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw all five."""
        names = ("black", "white", "gamma", "output_black", "output_white")
        return {name: draw_real(rng, getattr(self, name)) for name in names}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Stretch, apply gamma, and compress to the output's levels."""
        names = ("black", "white", "output_black", "output_white")
        black, white, darkest, brightest = (np.float32(parameters[name] / 255) for name in names)
        stretched = np.clip((image - black) / (white - black), 0, 1) ** np.float32(parameters["gamma"])
        return darkest + (brightest - darkest) * stretched


class _Dithered(Operation):
    """Quantisation with a dither; Riemersma's has two settings of its own."""

    history: Annotated[WholeRange, Between(2, 1000)] = (HISTORY, HISTORY)
    """Number of former pixels whose errors count in `riemersma`."""

    ratio: Annotated[RealRange, Between(0.001, 0.999)] = (RATIO, RATIO)
    """Weight of the oldest error relative to the newest in `riemersma`."""

    def with_dither(self, drawn: Parameters, rng: np.random.Generator, dithers: Weights) -> Parameters:
        """Return what was drawn with a dither, and its settings where it has some."""
        drawn = {**drawn, "dither": draw_kind(rng, dithers)}
        if drawn["dither"] != RIEMERSMA:
            return drawn
        return {**drawn, "history": draw_whole(rng, self.history), "ratio": draw_real(rng, self.ratio)}


def _dithering(parameters: Parameters) -> Parameters:
    return {name: parameters[name] for name in ("dither", "history", "ratio") if name in parameters}


class Quantise(_Dithered):
    """Quantisation to a few levels per channel."""

    name = "quantise"
    family = "quantization"
    mild_at_high = frozenset({"levels"})

    levels: Annotated[WholeRange, Between(2, 256)]
    """Number of levels."""

    dither: Annotated[Weights, Among(DITHERS, "dither")]
    """Kinds of dithering: `ordered_2` to `ordered_16` by Bayer's matrices (`ordered` is 8×8), `riemersma` along a
    Hilbert curve, the others by error diffusion."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw levels and dither."""
        return self.with_dither({"levels": draw_whole(rng, self.levels)}, rng, self.dither)

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Quantise."""
        return quantise(image, parameters["levels"], **_dithering(parameters))


class Palette(_Dithered):
    """Reduction to a few colours of the image's own, as in GIF files."""

    name = "palette"
    family = "quantization"
    mild_at_high = frozenset({"colours"})

    colours: Annotated[WholeRange, Between(2, 256)]
    """Number of colours."""

    dither: Annotated[Weights, Among(DITHERS, "dither")] = Field({"floyd_steinberg": 1.0})
    """Kinds of dithering, as in `quantise`."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw the number of colours and the dither."""
        return self.with_dither({"colours": draw_whole(rng, self.colours)}, rng, self.dither)

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Choose the colours by median cut and reduce to them."""
        return reduce_to_palette(image, parameters["colours"], **_dithering(parameters))
