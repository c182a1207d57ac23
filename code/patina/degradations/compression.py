"""Compression artefacts: JPEG, WebP, AVIF and JPEG 2000 by the real codecs, and JPEG in torch."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from patina.degradations.base import Frame, Operation, Parameters, Size, assignments
from patina.degradations.ranges import (
    Among,
    Between,
    Probability,
    RealRange,
    Weights,
    WholeRange,
    draw_kind,
    draw_real,
    draw_whole,
)
from patina.errors import PictureError
from patina.imaging.compression_headers import nearest_quality
from patina.imaging.recompress import (
    JPEG_OWN_SUBSAMPLINGS,
    JPEG_SUBSAMPLINGS,
    SCANS,
    WEBP_LARGEST,
    avif,
    jpeg,
    jpeg2000,
    jpeg_by_tables,
    require_codec,
    webp,
)
from patina.imaging.value_spaces import to_values, values_to_pixels

Table = Annotated[list[Annotated[int, Field(ge=1, le=255)]], Field(min_length=64, max_length=64)]


class Jpeg(Operation):
    """JPEG compression."""

    name = "jpeg"
    family = "compression"
    mild_at_high = frozenset({"quality", "scans"})

    quality: Annotated[WholeRange, Between(1, 100)]
    """Quality."""

    subsampling: Annotated[Weights, Among(tuple(JPEG_OWN_SUBSAMPLINGS), "subsampling")] = Field({"4:2:0": 1.0})
    """Chroma subsamplings."""

    shift: Annotated[WholeRange, Between(0, 7)] = (0, 0)
    """Vertical and horizontal shift of the 8x8 grid in pixels, drawn separately: as after cropping."""

    progressive: Probability = 0.0
    """Probability that the JPEG is progressive: its pixels are the same unless `scans` are missing."""

    scans: Annotated[WholeRange, Between(1, SCANS)] = (SCANS, SCANS)
    """Scans of a progressive JPEG that arrive, of 10: 1 gives a blurred image of the blocks' means, 9 nearly all."""

    codec: Literal["libjpeg", "torch"] = "libjpeg"
    """`libjpeg`; or `torch`, which compresses batches on the accelerator and only supports 4:2:0 and no shift."""

    @model_validator(mode="after")
    def _torch_knows_one_subsampling(self) -> "Jpeg":
        if self.codec == "torch" and set(self.subsampling) != {"4:2:0"}:
            raise ValueError("codec torch supports subsampling 4:2:0 only; omit subsampling or use codec libjpeg")
        if self.codec == "torch" and self.shift != (0, 0):
            raise ValueError("codec torch shifts no blocks; omit shift or use codec libjpeg")
        if self.codec == "torch" and self.progressive:
            raise ValueError("codec torch has no scans; omit progressive or use codec libjpeg")
        return self

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw quality and subsampling, and shift and scans where there are some."""
        drawn = {"quality": draw_whole(rng, self.quality), "subsampling": draw_kind(rng, self.subsampling)}
        shift = {} if self.shift == (0, 0) else {"shift": [draw_whole(rng, self.shift) for _ in range(2)]}
        scans = {}
        if self.progressive and rng.random() < self.progressive:
            scans = {"scans": draw_whole(rng, self.scans)}
        return {**drawn, **shift, **scans, "codec": self.codec}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Compress and decode with libjpeg; with ``codec: torch`` an `Engine` does this step."""
        rows, columns = parameters.get("shift", (0, 0))
        pixels = np.pad(values_to_pixels(image), ((rows, 0), (columns, 0), (0, 0)), mode="edge")
        quality, subsampling, scans = parameters["quality"], parameters["subsampling"], parameters.get("scans")
        return to_values(jpeg(pixels, quality, subsampling, scans)[rows:, columns:])

    @classmethod
    def describe(cls, parameters: Parameters, size: Size) -> str:
        """Describe the quality and whatever differs from the defaults."""
        defaults = {"subsampling": "4:2:0", "codec": "libjpeg"}
        shown = {name: value for name, value in parameters.items() if defaults.get(name) != value}
        return f"compression: {' '.join(['jpeg', *assignments(shown)])}"


class JpegTables(Operation):
    """JPEG compression with the quantisation tables of a camera or a program."""

    name = "jpeg_tables"
    family = "compression"

    luma: Table
    """64 divisors of the DCT coefficients, row by row from the mean to the finest, each 1 to 255."""

    chroma: Table | None = None
    """The same for colour; luma's by default."""

    subsampling: Annotated[Weights, Among(tuple(JPEG_SUBSAMPLINGS), "subsampling")] = Field({"4:2:0": 1.0})
    """Chroma subsamplings."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw the subsampling."""
        chroma = self.luma if self.chroma is None else self.chroma
        return {"luma": self.luma, "chroma": chroma, "subsampling": draw_kind(rng, self.subsampling)}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Compress and decode with libjpeg."""
        tables = parameters["luma"], parameters["chroma"]
        return to_values(jpeg_by_tables(values_to_pixels(image), *tables, parameters["subsampling"]))

    @classmethod
    def describe(cls, parameters: Parameters, size: Size) -> str:
        """Describe the standard quality whose table is nearest."""
        quality = nearest_quality(tuple(parameters["luma"]))
        return f"compression: jpeg_tables like quality={quality} subsampling={parameters['subsampling']}"


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
            raise PictureError(
                f"{frame.size[1]}x{frame.size[0]} pixels, expected sides of at most {WEBP_LARGEST} pixels for WebP"
            )
        return {"quality": draw_whole(rng, self.quality)}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Compress and decode."""
        return to_values(webp(values_to_pixels(image), parameters["quality"]))


class Avif(Operation):
    """AVIF compression."""

    name = "avif"
    family = "compression"
    mild_at_high = frozenset({"quality"})

    quality: Annotated[WholeRange, Between(0, 100)]
    """Quality; 100 is not lossless."""

    subsampling: Annotated[Weights, Among(tuple(JPEG_SUBSAMPLINGS), "subsampling")] = Field({"4:2:0": 1.0})
    """Chroma subsamplings."""

    def check_ready(self) -> None:
        """Make sure that Pillow has the codec."""
        require_codec("AVIF")

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw quality and subsampling."""
        return {"quality": draw_whole(rng, self.quality), "subsampling": draw_kind(rng, self.subsampling)}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Compress and decode."""
        return to_values(avif(values_to_pixels(image), parameters["quality"], parameters["subsampling"]))


class Jpeg2000(Operation):
    """JPEG 2000 compression: blur and ripples of wavelets instead of blocks."""

    name = "jpeg2000"
    family = "compression"

    ratio: Annotated[RealRange, Between(1, 2000)]
    """Size of the pixels relative to the compressed image's."""

    def check_ready(self) -> None:
        """Make sure that Pillow has the codec."""
        require_codec("JPEG 2000")

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw the ratio."""
        return {"ratio": draw_real(rng, self.ratio)}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Compress and decode."""
        return to_values(jpeg2000(values_to_pixels(image), parameters["ratio"]))
