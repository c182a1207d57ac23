"""Moiré of a display: its stripes of red, green and blue, photographed by a sensor with a mosaic of its own."""

import math
from typing import Annotated

import numpy as np

from patina.degradations.base import Frame, Operation, Parameters
from patina.degradations.ranges import Between, RealRange, draw_real
from patina.degradations.raw_camera import MOSAIC, demosaiced
from patina.imaging.tone_curve import linear_to_srgb, srgb_to_linear
from patina.seeding import numpy_rng

_STRIPE, _LIT = 1 / 3, 0.8
"""Width of a stripe, and the lit part of its height, relative to the display's pixel."""

_HARMONICS = 4


class Moire(Operation):
    """A photograph of a display: the grid of its pixels is sampled by the sensor's, and both interfere."""

    name = "moire"
    family = "moire"
    same_in_every_frame = True

    pitch: Annotated[RealRange, Between(0.5, 20)]
    """Size of the display's pixels, in pixels of the image; near 1, 2 and 3 the waves are broadest."""

    angle: Annotated[RealRange, Between(-360, 360)] = (0.0, 0.0)
    """Rotation of the display, in degrees."""

    strength: Annotated[RealRange, Between(0, 1)] = (0.5, 0.5)
    """Factor of the interference; 1 is that of a display in full focus."""

    blur: Annotated[RealRange, Between(0, 5)] = (0.3, 0.3)
    """Standard deviation of the lens's blur of the display's grid, in pixels."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw all four."""
        return {name: draw_real(rng, getattr(self, name)) for name in ("pitch", "angle", "strength", "blur")}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Sample the display's light by an RGGB mosaic, demosaic what it adds, and add that in linear light."""
        height, width = image.shape[:2]
        even = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="symmetric").astype(np.float64)
        light = srgb_to_linear(even)
        changes = light * (_display(light.shape[:2], parameters, numpy_rng(key, "screen").random(2)) - 1)
        channel = np.tile(MOSAIC, (even.shape[0] // 2, even.shape[1] // 2))
        added = demosaiced(np.take_along_axis(changes, channel[..., None], axis=2)[..., 0])
        seen = linear_to_srgb((light + parameters["strength"] * added).clip(0, 1))
        return np.clip(seen[:height, :width], 0, 1).astype(np.float32)


def _display(size: tuple[int, int], parameters: Parameters, phase: np.ndarray) -> np.ndarray:
    """Return the light of a white display at every pixel and channel, ``[H, W, 3]`` with a mean of 1."""
    angle, pitch = math.radians(parameters["angle"]), parameters["pitch"]
    cosine, sine = math.cos(angle) / pitch, math.sin(angle) / pitch
    x, y = np.arange(size[1]), np.arange(size[0])[:, None]
    along, across = x * cosine + y * sine + phase[0], y * cosine - x * sine + phase[1]
    seen = [_seen(order, cosine, sine, parameters["blur"]) for order in range(1, _HARMONICS + 1)]
    rows = _wave(across, _LIT, seen)
    stripes = [_wave(along - place * _STRIPE, _STRIPE, seen) for place in range(3)]
    return np.maximum(np.stack(stripes, axis=-1) * rows[..., None], 0)


def _wave(place: np.ndarray, lit: float, seen: list[float]) -> np.ndarray:
    """Return a row of rectangles of width `lit` at a distance of 1, as a Fourier series whose terms are weakened."""
    terms = (
        2 * np.sinc(order * lit) * part * np.cos(2 * np.pi * order * place) for order, part in enumerate(seen, start=1)
    )
    return 1 + np.sum(list(terms), axis=0)


def _seen(order: int, cosine: float, sine: float, blur: float) -> float:
    """Return the part of a wave's amplitude that a lens and the square area of a sensor's pixel leave."""
    frequencies = order * cosine, order * sine
    lens = math.exp(-2 * (math.pi * blur) ** 2 * (frequencies[0] ** 2 + frequencies[1] ** 2))
    return lens * float(np.sinc(frequencies[0]) * np.sinc(frequencies[1]))
