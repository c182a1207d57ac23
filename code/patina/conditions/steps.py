"""The steps of DeFlow's map h, as written in configurations and model files."""

from pathlib import Path
from typing import Annotated, Any, Literal

import cv2
import numpy as np
from pydantic import Field, model_validator

from patina.imaging.matlab_resize import imresize
from patina.settings import Settings

PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]
PositiveInt = Annotated[int, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Downscale(Settings):
    """Downscale by an integer factor."""

    factor: Annotated[int, Field(ge=2, le=64)]
    """Downscaling factor."""

    filter: Literal["bicubic", "area", "max"] = "bicubic"
    """`bicubic` (as MATLAB's), `area` (mean of each square) or `max` (maximum of each square)."""

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """Shrink ``[H, W, 3]`` uint8; with area and max, both sides must be multiples of the factor."""
        if self.filter == "bicubic":
            return imresize(pixels, 1 / self.factor)
        height, width, channels = pixels.shape
        rows, columns = height // self.factor, width // self.factor
        cells = pixels.reshape(rows, self.factor, columns, self.factor, channels)
        if self.filter == "max":
            return cells.max(axis=(1, 3))
        return np.rint(cells.mean(axis=(1, 3))).astype(np.uint8)


class Smooth(Settings):
    """Gaussian blur."""

    sigma: Annotated[float, Field(gt=0, le=100)]
    """Standard deviation of the Gaussian, in pixels."""

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """Smooth ``[H, W, 3]`` uint8."""
        return cv2.GaussianBlur(pixels, (0, 0), self.sigma, borderType=cv2.BORDER_REFLECT_101)


class Median(Settings):
    """Median filter of every channel."""

    size: Annotated[int, Field(ge=3, le=31)]
    """Side of the square window, in pixels; an odd number."""

    @model_validator(mode="after")
    def _size_is_odd(self) -> "Median":
        if self.size % 2 == 0:
            raise ValueError(f"size is {self.size}, expected an odd number")
        return self

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """Filter ``[H, W, 3]`` uint8."""
        return cv2.medianBlur(np.ascontiguousarray(pixels), self.size)


class Bilateral(Settings):
    """Bilateral filter."""

    sigma_space: Annotated[float, Field(gt=0, le=50)] = 2.0
    """Standard deviation in space, in pixels."""

    sigma_colour: PositiveFloat = 25.0
    """Standard deviation in colour, in grey levels (0 to 255)."""

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """Filter ``[H, W, 3]`` uint8."""
        return cv2.bilateralFilter(np.ascontiguousarray(pixels), -1, self.sigma_colour, self.sigma_space)


class NonLocalMeans(Settings):
    """Non-local means (Buades et al. 2005)."""

    strength: PositiveFloat = 10.0
    """Filter strength, in grey levels (0 to 255)."""

    patch: Annotated[int, Field(ge=3, le=15)] = 7
    """Side of the compared patches, in pixels."""

    window: Annotated[int, Field(ge=5, le=51)] = 21
    """Side of the search window, in pixels."""

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """Filter ``[H, W, 3]`` uint8."""
        return cv2.fastNlMeansDenoisingColored(
            np.ascontiguousarray(pixels), None, self.strength, self.strength, self.patch, self.window
        )


class Autoencoder(Settings):
    """Pass the image through a small denoising autoencoder."""

    file: Path | None = None
    """Trained autoencoder, e.g. `h_autoencoder_0-….safetensors` of another run. null: train one on the clean set first.
    """

    sigma: PositiveFloat = 20.0
    """Largest std (8-bit) of the Gaussian training noise, which is drawn from 0 to this value."""

    features: Annotated[int, Field(gt=0, le=1024)] = 24
    """Channels of the autoencoder."""

    steps: PositiveInt = 600
    """Training steps."""


class AddGaussian(Settings):
    """Add white Gaussian noise."""

    sigma: NotNegative
    """Standard deviation, in units of [0, 1]."""


class MultiplyNoise(Settings):
    """Multiply by 1 plus white Gaussian noise."""

    sigma: NotNegative
    """Standard deviation of the factor."""


Filter = Downscale | Smooth | Median | Bilateral | NonLocalMeans
Noise = AddGaussian | MultiplyNoise


class HStep(Settings):
    """One step of h: exactly one of these keys, e.g. ``downscale: {factor: 4}``."""

    downscale: Downscale | None = None
    """Downscale by an integer factor."""

    add_gaussian: AddGaussian | None = None
    """Add white Gaussian noise."""

    multiply_noise: MultiplyNoise | None = None
    """Multiply by white Gaussian noise."""

    smooth: Smooth | None = None
    """Gaussian blur."""

    median: Median | None = None
    """Median filter."""

    bilateral: Bilateral | None = None
    """Bilateral filter."""

    non_local_means: NonLocalMeans | None = None
    """Non-local means."""

    autoencoder: Autoencoder | None = None
    """Denoising autoencoder."""

    @model_validator(mode="after")
    def _one_is_given(self) -> "HStep":
        given = [name for name, value in self if value is not None]
        if len(given) != 1:
            raise ValueError(f"expected one key in a step of h, found {' and '.join(given) or 'none'}")
        return self

    @property
    def settings(self) -> Filter | Noise | Autoencoder:
        """The settings of the step."""
        return next(value for _, value in self if value is not None)

    def written(self) -> dict[str, Any]:
        """Return the step as in a configuration."""
        return self.model_dump(mode="json", exclude_none=True)

    def plain(self) -> dict[str, Any]:
        """Return the step as JSON values, without unset keys and without the autoencoder's file, stored separately."""
        return self.model_dump(mode="json", exclude_none=True, exclude={"autoencoder": {"file"}})


def scale_of(steps: tuple[HStep, ...]) -> int:
    """Return the downscaling factor of a list of steps."""
    scale = 1
    for step in steps:
        scale *= step.downscale.factor if step.downscale else 1
    return scale


def published_steps(scale: int, noise: float) -> tuple[HStep, ...]:
    """Return DeFlow's own h (section 4.2): bicubic downscaling, then Gaussian noise of std `noise` in [0, 1]."""
    return HStep(downscale=Downscale(factor=scale)), HStep(add_gaussian=AddGaussian(sigma=noise))
