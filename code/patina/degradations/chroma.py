"""Colours at a lower resolution than the luma, as in video: subsampling, blur and shift of Cb and Cr."""

import math
from typing import Annotated, ClassVar

import cv2
import numpy as np
from pydantic import Field

from patina.degradations.base import Frame, Operation, Parameters
from patina.degradations.ranges import Among, Between, RealRange, Weights, draw_kind, draw_real
from patina.imaging.resize_filters import FILTERS, resize

MATRICES = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}
"""Weights of red and blue in the luma, by the standard's name."""

SUBSAMPLINGS = {"4:4:4": (1, 1), "4:2:2": (1, 2), "4:2:0": (2, 2), "4:1:1": (1, 4), "4:1:0": (2, 4)}
"""Rows and columns of pixels for one value of Cb and Cr."""

Matrix = Annotated[Weights, Among(tuple(MATRICES), "matrix")]
Filters = Annotated[Weights, Among(FILTERS, "filter")]


def to_luma_and_chroma(image: np.ndarray, matrix: str = "bt601") -> tuple[np.ndarray, np.ndarray]:
    """Split ``[H, W, 3]`` RGB in [0, 1] into luma ``[H, W]`` in [0, 1] and Cb, Cr ``[H, W, 2]`` in [-0.5, 0.5]."""
    red, blue = MATRICES[matrix]
    luma = image @ np.array([red, 1 - red - blue, blue], np.float32)
    scales = np.array([2 - 2 * blue, 2 - 2 * red], np.float32)
    return luma, (image[..., [2, 0]] - luma[..., None]) / scales


def from_luma_and_chroma(luma: np.ndarray, chroma: np.ndarray, matrix: str = "bt601") -> np.ndarray:
    """Undo `to_luma_and_chroma`, clipped to [0, 1]."""
    red, blue = MATRICES[matrix]
    differences = chroma * np.array([2 - 2 * blue, 2 - 2 * red], np.float32)
    green = luma - differences @ (np.array([blue, red], np.float32) / np.float32(1 - red - blue))
    return np.clip(np.stack([luma + differences[..., 1], green, luma + differences[..., 0]], axis=-1), 0, 1)


def shifted(planes: np.ndarray, down: float, right: float) -> np.ndarray:
    """Move ``[H, W, ...]`` by parts of pixels, linear between pixels; the edge is repeated."""
    for axis, distance in enumerate((down, right)):
        whole = math.floor(distance)
        places = np.arange(planes.shape[axis]) - whole
        near, far = (planes.take(np.clip(at, 0, len(places) - 1), axis) for at in (places, places - 1))
        planes = near + np.float32(distance - whole) * (far - near)
    return planes


class ChromaSubsampling(Operation):
    """Colours stored at a lower resolution than the luma."""

    name = "chroma_subsampling"
    family = "chroma"

    subsampling: Annotated[Weights, Among(tuple(SUBSAMPLINGS), "subsampling")] = Field({"4:2:0": 1.0})
    """Chroma subsamplings."""

    matrix: Matrix = Field({"bt601": 1.0})
    """Standard that defines luma and chroma: `bt601` (JPEG, SD video), `bt709` (HD video) or `bt2020` (UHD video)."""

    down: Filters = Field({"box": 1.0})
    """Filters that reduce the chroma."""

    up: Filters = Field({"linear": 1.0})
    """Filters that enlarge it again."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw subsampling, matrix and filters."""
        return {name: draw_kind(rng, getattr(self, name)) for name in ("subsampling", "matrix", "down", "up")}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Reduce and enlarge Cb and Cr."""
        steps, size = SUBSAMPLINGS[parameters["subsampling"]], image.shape[:2]
        if steps == (1, 1):
            return image
        luma, chroma = to_luma_and_chroma(image, parameters["matrix"])
        height, width = (-(-length // step) for length, step in zip(size, steps, strict=True))
        few = resize(chroma + np.float32(0.5), (height, width), parameters["down"])
        many = resize(few, size, parameters["up"]) - np.float32(0.5)
        return from_luma_and_chroma(luma, many, parameters["matrix"])


class ChromaBlur(Operation):
    """Gaussian blur of the colours alone."""

    name = "chroma_blur"
    family = "blur"

    sigma: Annotated[RealRange, Between(0, 50)]
    """Standard deviation in pixels, horizontally."""

    sigma_y: Annotated[RealRange, Between(0, 50)] | None = None
    """Standard deviation in pixels, vertically. null: as horizontally."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw one std, or two."""
        sigma = draw_real(rng, self.sigma)
        return {"sigma": sigma, "sigma_y": sigma if self.sigma_y is None else draw_real(rng, self.sigma_y)}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Blur Cb and Cr (BT.601)."""
        luma, chroma = to_luma_and_chroma(image)
        across, down = _gaussian(parameters["sigma"]), _gaussian(parameters["sigma_y"])
        return from_luma_and_chroma(luma, cv2.sepFilter2D(chroma, -1, across, down, borderType=cv2.BORDER_REFLECT))


def _gaussian(sigma: float) -> np.ndarray:
    return cv2.getGaussianKernel(2 * math.ceil(4 * sigma) + 1, sigma, cv2.CV_64F) if sigma else np.ones((1, 1))


class ChromaShift(Operation):
    """Colours that do not lie over the luma, or red and blue that do not lie over green."""

    name = "chroma_shift"
    family = "chroma"
    neutral: ClassVar = {"x": 0, "y": 0}

    x: Annotated[RealRange, Between(-200, 200)] = (0.0, 0.0)
    """Shift to the right in pixels, drawn for each of the two planes; negative: to the left."""

    y: Annotated[RealRange, Between(-200, 200)] = (0.0, 0.0)
    """Shift downwards in pixels, drawn for each of the two planes; negative: upwards."""

    planes: Annotated[Weights, Among(("chroma", "delay", "red_blue"), "pair of planes")] = Field({"chroma": 1.0})
    """`chroma`: Cb and Cr, each on its own; `delay`: both together, as in analogue video, whose colours come late;
    `red_blue`: red and blue, as in badly registered scans and prints."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw which planes move, and where each goes."""
        planes = draw_kind(rng, self.planes)
        moves = {axis: [draw_real(rng, getattr(self, axis)) for _ in range(2)] for axis in "xy"}
        if planes == "delay":
            moves = {axis: [move] * 2 for axis, (move, _) in moves.items()}
        return {"planes": planes, **moves}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Move both planes."""
        first, second = zip(parameters["y"], parameters["x"], strict=True)
        if parameters["planes"] == "red_blue":
            red, green, blue = (image[..., channel] for channel in range(3))
            return np.stack([shifted(red, *first), green, shifted(blue, *second)], axis=-1)
        luma, chroma = to_luma_and_chroma(image)
        moved = shifted(chroma[..., 0], *first), shifted(chroma[..., 1], *second)
        return from_luma_and_chroma(luma, np.stack(moved, axis=-1))
