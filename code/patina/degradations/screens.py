"""Images on coarse grids: pixelation, interlaced video, and halftone screens of print."""

import math
from functools import lru_cache
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from patina.degradations.base import Frame, Operation, Parameters
from patina.degradations.chroma import shifted, to_luma_and_chroma
from patina.degradations.ranges import Among, Between, Probability, RealRange, Weights, draw_kind, draw_real
from patina.seeding import numpy_rng

INKS = {"cmyk": ("cyan", "magenta", "yellow", "black"), "cmy": ("cyan", "magenta", "yellow"), "black": ("black",)}
"""The inks of a print."""

DOTS = ("round", "ellipse", "line", "cross")
"""Shapes of a screen's dots."""


class Pixelate(Operation):
    """Mosaic: blocks of one colour, the mean of their pixels."""

    name = "pixelate"
    family = "pixelate"

    size: Annotated[RealRange, Between(1, 1000)]
    """Side of the blocks in pixels; need not be whole."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw the side."""
        return {"block": draw_real(rng, self.size)}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Average each block."""
        for axis in (0, 1):
            image = _block_means(image.swapaxes(0, axis), parameters["block"]).swapaxes(0, axis)
        return np.ascontiguousarray(image)


def _block_means(image: np.ndarray, block: float) -> np.ndarray:
    """Replace rows by the mean of their block of `block` rows."""
    blocks = (np.arange(len(image)) / block).astype(np.intp)
    _, starts, places, counts = np.unique(blocks, return_index=True, return_inverse=True, return_counts=True)
    return (np.add.reduceat(image, starts) / counts.astype(np.float32)[:, None, None])[places]


class Interlace(Operation):
    """Interlaced video of something that moves: every other line was taken at another moment."""

    name = "interlace"
    family = "interlace"
    neutral: ClassVar = {"shift": 0}

    shift: Annotated[RealRange, Between(-200, 200)]
    """Horizontal motion between the two fields in pixels; the odd lines move."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw the motion."""
        return {"shift": draw_real(rng, self.shift)}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Move the odd lines."""
        result = image.copy()
        result[1::2] = shifted(image, 0, parameters["shift"])[1::2]
        return result


class Halftone(Operation):
    """A print's screen: inks in dots whose size gives the tone."""

    name = "halftone"
    family = "screentone"
    same_in_every_frame = True

    dot_size: Annotated[RealRange, Between(2, 200)]
    """Distance of neighbouring dots in pixels."""

    dot: Annotated[Weights, Among(DOTS, "dot")] = Field({"round": 1.0})
    """Shapes of the dots."""

    inks: Annotated[Weights, Among(tuple(INKS), "set of inks")] = Field({"cmyk": 1.0})
    """`cmyk`; `cmy`, without black; or `black`, which gives a grey image."""

    cyan: Annotated[RealRange, Between(-360, 360)] = (15.0, 15.0)
    """Angle of cyan's screen, in degrees."""

    magenta: Annotated[RealRange, Between(-360, 360)] = (75.0, 75.0)
    """Angle of magenta's screen."""

    yellow: Annotated[RealRange, Between(-360, 360)] = (0.0, 0.0)
    """Angle of yellow's screen."""

    black: Annotated[RealRange, Between(-360, 360)] = (45.0, 45.0)
    """Angle of black's screen."""

    per_ink: Probability = 0.0
    """Probability that every ink draws a dot and a dot size of its own."""

    strength: Annotated[RealRange, Between(0, 1)] = (1.0, 1.0)
    """Part of the print in the result; the rest is the image."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw dots, inks and their angles, and the strength."""
        inks = draw_kind(rng, self.inks)
        drawn: Parameters = {
            "dot_size": draw_real(rng, self.dot_size),
            "dot": draw_kind(rng, self.dot),
            "inks": inks,
            "angles": [draw_real(rng, getattr(self, ink)) for ink in INKS[inks]],
            "strength": draw_real(rng, self.strength),
        }
        if self.per_ink and rng.random() < self.per_ink:
            drawn["dot_size"] = [draw_real(rng, self.dot_size) for _ in INKS[inks]]
            drawn["dot"] = [draw_kind(rng, self.dot) for _ in INKS[inks]]
        return drawn

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Screen every ink and print them over each other."""
        rng, angles = numpy_rng(key, "screen"), parameters["angles"]
        coverages = _separated(image, parameters["inks"])
        sides, dots = (
            own if isinstance(own, list) else [own] * len(angles) for own in (parameters["dot_size"], parameters["dot"])
        )
        screened = [
            _screened(coverages[..., ink], side, dot, math.radians(angle), rng.random(2))
            for ink, (side, dot, angle) in enumerate(zip(sides, dots, angles, strict=True))
        ]
        bare = 1 - np.stack(screened, axis=-1)
        printed = bare[..., :3] if parameters["inks"] != "cmyk" else bare[..., :3] * bare[..., 3:]
        return image + np.float32(parameters["strength"]) * (printed - image)


def _separated(image: np.ndarray, inks: str) -> np.ndarray:
    """Return the coverage of each ink, ``[H, W, inks]`` in [0, 1]; with `cmyk`, black replaces all grey."""
    if inks == "black":
        return 1 - to_luma_and_chroma(image)[0][..., None]
    if inks == "cmy":
        return 1 - image
    light = image.max(axis=-1, keepdims=True)
    return np.concatenate([1 - image / np.maximum(light, np.float32(1e-6)), 1 - light], axis=-1).clip(0, 1)


def _screened(coverage: np.ndarray, side: float, dot: str, angle: float, phase: np.ndarray) -> np.ndarray:
    """Return where an ink lies, ``[H, W]`` in [0, 1], with edges about one pixel wide.

    The threshold t is evenly distributed over the screen, and the ink is ``clip((v - t) / w + 1/2)`` with the edge's
    width w: v is chosen such that the mean over t is the coverage.
    """
    rows, columns = (np.arange(length, dtype=np.float32) for length in coverage.shape)
    along = (columns * np.float32(math.cos(angle)) + rows[:, None] * np.float32(math.sin(angle))) / np.float32(side)
    across = (rows[:, None] * np.float32(math.cos(angle)) - columns * np.float32(math.sin(angle))) / np.float32(side)
    spots = _spots(dot, along + np.float32(phase[0]), across + np.float32(phase[1]))
    threshold = 1 - np.interp(spots, *_distribution(dot)).astype(np.float32)
    width = np.float32(2 / side)
    less = np.minimum(coverage, 1 - coverage)
    middle = np.where(less < width / 2, np.sqrt(2 * width * less) - width / 2, less)
    level = np.where(coverage <= 0.5, middle, 1 - middle)
    return np.clip((level - threshold) / width + np.float32(0.5), 0, 1)


def _spots(dot: str, along: np.ndarray, across: np.ndarray) -> np.ndarray:
    """Return how early each place of the screen takes ink; `along` and `across` are in dots."""
    first, second = np.cos(2 * np.pi * along), np.cos(2 * np.pi * across)
    if dot == "line":
        return second
    if dot == "cross":
        return np.maximum(first, second)
    return first + np.float32(0.6 if dot == "ellipse" else 1) * second


@lru_cache(maxsize=len(DOTS))
def _distribution(dot: str) -> tuple[np.ndarray, np.ndarray]:
    """Return values of `_spots` in rising order, and the share of a dot's cell with smaller values."""
    axis = (np.arange(512) + 0.5) / 512
    values = np.sort(_spots(dot, *np.meshgrid(axis, axis)), axis=None)
    shares = np.linspace(0, 1, 1025)
    return np.quantile(values, shares), shares
