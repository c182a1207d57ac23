"""Compression artefacts: JPEG and WebP by the real codecs, and JPEG computed in torch."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from patina.degradations.base import Frame, Operation, Parameters, Size, assignments
from patina.degradations.ranges import Among, Between, Weights, WholeRange, draw_kind, draw_whole
from patina.errors import PictureError
from patina.imaging.recompress import JPEG_SUBSAMPLINGS, WEBP_LARGEST, jpeg, webp
from patina.imaging.value_spaces import to_values, values_to_pixels


class Jpeg(Operation):
    """JPEG compression."""

    name = "jpeg"
    family = "compression"
    mild_at_high = frozenset({"quality"})

    quality: Annotated[WholeRange, Between(1, 100)]
    """Quality."""

    subsampling: Annotated[Weights, Among(tuple(JPEG_SUBSAMPLINGS), "subsampling")] = Field({"4:2:0": 1.0})
    """Chroma subsamplings."""

    codec: Literal["libjpeg", "torch"] = "libjpeg"
    """`libjpeg`; or `torch`, which compresses batches on the accelerator and only knows 4:2:0."""

    @model_validator(mode="after")
    def _torch_knows_one_subsampling(self) -> "Jpeg":
        if self.codec == "torch" and set(self.subsampling) != {"4:2:0"}:
            raise ValueError("codec torch has subsampling 4:2:0 alone; leave subsampling out, or use codec libjpeg")
        return self

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw quality and subsampling."""
        drawn = {"quality": draw_whole(rng, self.quality), "subsampling": draw_kind(rng, self.subsampling)}
        return {**drawn, "codec": self.codec}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Compress and decode with libjpeg; with ``codec: torch`` plans leave the step to an `Engine`."""
        return to_values(jpeg(values_to_pixels(image), parameters["quality"], parameters["subsampling"]))

    @classmethod
    def describe(cls, parameters: Parameters, size: Size) -> str:
        """Say the quality, and what is not as usual."""
        usual = {"subsampling": "4:2:0", "codec": "libjpeg"}
        told = {name: value for name, value in parameters.items() if usual.get(name) != value}
        return f"compression: {' '.join(['jpeg', *assignments(told)])}"


class WebP(Operation):
    """Lossy WebP compression."""

    name = "webp"
    family = "compression"
    mild_at_high = frozenset({"quality"})

    quality: Annotated[WholeRange, Between(1, 100)]
    """Quality."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw the quality."""
        if max(frame.size) > WEBP_LARGEST:
            raise PictureError(f"{frame.size[1]}x{frame.size[0]} pixels are more than a WebP holds, {WEBP_LARGEST}")
        return {"quality": draw_whole(rng, self.quality)}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Compress and decode."""
        return to_values(webp(values_to_pixels(image), parameters["quality"]))
