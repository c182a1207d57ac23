"""Upscaling of pictures larger than the memory, band by band, from file to file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from patina.errors import PictureError
from patina.imaging.huge_pictures import WRITTEN, RowReader, is_huge, write_rows
from patina.imaging.sources import Source
from patina.imaging.value_spaces import NotFinitePixels
from patina.imaging.written_formats import WrittenFormat
from patina.pipelines.upscaler import BandEnlarger, Upscaler
from patina.system.notes import note


@dataclass(frozen=True)
class HugeUpscaling:
    """What `make_results` does with pictures above the limit of megapixels.

    Attributes:
        upscaler: an open model.
        form: the format of the results.
    """

    upscaler: Upscaler
    form: WrittenFormat

    def takes(self, path: Path) -> bool:
        """Whether a picture is above the limit and can be upscaled in bands; all others are read as a whole."""
        enlarge = self.upscaler.enlarge
        return (
            isinstance(enlarge, BandEnlarger)
            and enlarge.works_in_bands
            and self.form.suffix in WRITTEN
            and is_huge(path)
        )

    def __call__(self, source: Source, details: Mapping[str, Any], output: Path) -> None:
        """Upscale a file; the result equals that of the picture as a whole, but without EXIF data.

        Raises:
            PictureError: the file cannot be read, or the model gave NaN or infinity.
            PatinaError: the result cannot be written.
        """
        enlarge, reader = self.upscaler.enlarge, RowReader(source.path)
        if not isinstance(enlarge, BandEnlarger):
            raise TypeError(f"{enlarge} has no bands")
        bands = enlarge.bands(reader.rows, (reader.height, reader.width), reader.dtype)
        height, width = reader.height * enlarge.scale, reader.width * enlarge.scale
        try:
            write_rows(output, _stored(bands, reader.gray), height, width, reader.dtype, reader.gray)
        except NotFinitePixels as error:
            raise PictureError(f"{source}: the model gave no image: {error}") from None
        note("upscaled in bands, without EXIF data")


def _stored(bands: Iterator[np.ndarray], gray: bool) -> Iterator[np.ndarray]:
    for band in bands:
        yield np.rint(band.mean(axis=2)).astype(band.dtype) if gray else band
