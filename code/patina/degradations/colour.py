"""Colour: shifts of tone and white balance, and few levels with dithering."""

import numpy as np

from patina.degradations.base import Frame, Operation, Parameters
from patina.degradations.ranges import draw_kind, draw_real, draw_whole, kinds, real_range, whole_range
from patina.imaging.dither import DITHERS, quantise


class ColourShift(Operation):
    """Other tones than the clean picture's; every range's middle in the defaults changes nothing.

    `brightness` is added (in [-1, 1]); `contrast` multiplies around mid-gray, `saturation` around the luma; `gamma` is
    an exponent; `balance` multiplies each channel by a factor of its own.
    """

    brightness: real_range(-1, 1) = (0.0, 0.0)
    contrast: real_range(0, 4) = (1.0, 1.0)
    saturation: real_range(0, 4) = (1.0, 1.0)
    gamma: real_range(0.1, 10) = (1.0, 1.0)
    balance: real_range(0, 4) = (1.0, 1.0)

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw all five."""
        names = ("brightness", "contrast", "saturation", "gamma")
        drawn = {name: draw_real(rng, getattr(self, name)) for name in names}
        return {**drawn, "balance": [draw_real(rng, self.balance) for _ in range(3)]}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Balance, then saturation, contrast, brightness and gamma."""
        result = image * np.array(parameters["balance"], np.float32)
        luma = (result @ np.array([0.299, 0.587, 0.114], np.float32))[..., None]
        result = luma + np.float32(parameters["saturation"]) * (result - luma)
        result = np.float32(0.5) + np.float32(parameters["contrast"]) * (result - np.float32(0.5))
        return np.clip(result + np.float32(parameters["brightness"]), 0, 1) ** np.float32(parameters["gamma"])


class Quantise(Operation):
    """Few `levels` a channel (2 to 256), with a `dither`: none, ordered (Bayer 8x8) or floyd_steinberg."""

    levels: whole_range(2, 256)
    dither: kinds(DITHERS, "dither")

    mild_at_high = frozenset({"levels"})

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw levels and dither."""
        return {"levels": draw_whole(rng, self.levels), "dither": draw_kind(rng, self.dither)}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Quantise."""
        return quantise(image, parameters["levels"], parameters["dither"])
