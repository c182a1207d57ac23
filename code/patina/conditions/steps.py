"""The steps that h is made of, as they stand in configurations and model files."""

from pathlib import Path
from typing import Annotated, Literal

import cv2
import numpy as np
from pydantic import Field, model_validator

from patina.imaging.resize import imresize
from patina.settings import Strict

PositiveFloat = Annotated[float, Field(gt=0)]
PositiveInt = Annotated[int, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]


class Downscale(Strict):
    """Shrink by a whole factor: by MATLAB's bicubic, by means of squares (area), or by their largest values (max)."""

    factor: Annotated[int, Field(ge=2)]
    filter: Literal["bicubic", "area", "max"] = "bicubic"

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """Shrink ``[H, W, 3]`` uint8; with area and max both sides are multiples of the factor."""
        if self.filter == "bicubic":
            return imresize(pixels, 1 / self.factor)
        height, width, channels = pixels.shape
        rows, columns = height // self.factor, width // self.factor
        squares = pixels.reshape(rows, self.factor, columns, self.factor, channels)
        if self.filter == "max":
            return squares.max(axis=(1, 3))
        return np.rint(squares.mean(axis=(1, 3))).astype(np.uint8)


class Smooth(Strict):
    """Take the Gaussian mean; `sigma` in pixels."""

    sigma: PositiveFloat

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """Smooth ``[H, W, 3]`` uint8."""
        return cv2.GaussianBlur(pixels, (0, 0), self.sigma, borderType=cv2.BORDER_REFLECT_101)


class Median(Strict):
    """Take the median of every channel over a square of odd `size`."""

    size: Annotated[int, Field(ge=3, le=31)]

    @model_validator(mode="after")
    def _size_is_odd(self) -> "Median":
        if self.size % 2 == 0:
            raise ValueError(f"size is {self.size}, expected an odd number")
        return self

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """Filter ``[H, W, 3]`` uint8."""
        return cv2.medianBlur(np.ascontiguousarray(pixels), self.size)


class Bilateral(Strict):
    """Take the mean of near pixels of near colour: deviations in pixels, and in 1/255."""

    sigma_space: PositiveFloat = 2.0
    sigma_colour: PositiveFloat = 25.0

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """Filter ``[H, W, 3]`` uint8."""
        return cv2.bilateralFilter(np.ascontiguousarray(pixels), -1, self.sigma_colour, self.sigma_space)


class NonLocalMeans(Strict):
    """Take the mean of pixels whose surroundings are alike (Buades et al. 2005); `strength` in 1/255."""

    strength: PositiveFloat = 10.0
    patch: Annotated[int, Field(ge=3, le=15)] = 7
    window: Annotated[int, Field(ge=5, le=51)] = 21

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """Filter ``[H, W, 3]`` uint8."""
        return cv2.fastNlMeansDenoisingColored(
            np.ascontiguousarray(pixels), None, self.strength, self.strength, self.patch, self.window
        )


class Autoencoder(Strict):
    """Pass through a small denoising autoencoder: from a `file`, or trained on the clean set's pictures first.

    It learns to take Gaussian noise of deviation up to `sigma` (in 1/255) off; `features` is its width and `steps` how
    long it is trained.
    """

    file: Path | None = None
    sigma: PositiveFloat = 20.0
    features: PositiveInt = 24
    steps: PositiveInt = 600


class AddGaussian(Strict):
    """Add white noise; `sigma` in units of [0, 1]."""

    sigma: NotNegative


class MultiplyNoise(Strict):
    """Multiply by 1 plus white noise of deviation `sigma`."""

    sigma: NotNegative


Filter = Downscale | Smooth | Median | Bilateral | NonLocalMeans
Noise = AddGaussian | MultiplyNoise


class Step(Strict):
    """One step of h: exactly one of its keys is given, such as ``downscale: {factor: 4}``."""

    downscale: Downscale | None = None
    add_gaussian: AddGaussian | None = None
    multiply_noise: MultiplyNoise | None = None
    smooth: Smooth | None = None
    median: Median | None = None
    bilateral: Bilateral | None = None
    non_local_means: NonLocalMeans | None = None
    autoencoder: Autoencoder | None = None

    @model_validator(mode="after")
    def _one_is_given(self) -> "Step":
        given = [name for name, value in self if value is not None]
        if len(given) != 1:
            raise ValueError(f"a step of h has one key, found {' and '.join(given) or 'none'}")
        return self

    @property
    def settings(self) -> Filter | Noise | Autoencoder:
        """The one step that is given."""
        return next(value for _, value in self if value is not None)

    def written(self) -> dict:
        """Return the step as a configuration has it."""
        return self.model_dump(mode="json", exclude_none=True)

    def plain(self) -> dict:
        """Return the step as JSON values, what is not given left out, and the file, whose weights lie beside them."""
        return self.model_dump(mode="json", exclude_none=True, exclude={"autoencoder": {"file"}})


def scale_of(steps: tuple[Step, ...]) -> int:
    """Return how many times smaller a condition is than its image."""
    scale = 1
    for step in steps:
        scale *= step.downscale.factor if step.downscale else 1
    return scale


def published_steps(scale: int, noise: float) -> tuple[Step, ...]:
    """Return DeFlow's own h: bicubic 1/scale, then Gaussian noise of deviation `noise` (section 4.2)."""
    return Step(downscale=Downscale(factor=scale)), Step(add_gaussian=AddGaussian(sigma=noise))
