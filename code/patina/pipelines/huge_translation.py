"""Translation of pictures larger than the memory, band by band, from file to file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from patina.degradations.base import Degradation
from patina.degradations.learned_degradation import LearnedDegradation, PictureRows
from patina.errors import PictureError
from patina.imaging.huge_pictures import RowReader, is_huge, write_rows
from patina.imaging.sources import Source
from patina.imaging.value_spaces import NotFinitePixels, to_pixels, to_tensor
from patina.system.notes import note


@dataclass(frozen=True)
class HugeTranslation:
    """What `make_results` does with pictures above the limit of megapixels.

    Attributes:
        degradation: an open degradation.
        key: maps a picture's name and the number of a sample to the seed of its noise.
        model: name of the model, for messages.
    """

    degradation: Degradation
    key: Callable[[str, int], int]
    model: str

    def takes(self, path: Path) -> bool:
        """Whether a picture is above the limit and can be translated in bands; all others are read as a whole."""
        return isinstance(self.degradation, LearnedDegradation) and self.degradation.works_in_bands and is_huge(path)

    def __call__(self, source: Source, details: Mapping[str, Any], output: Path) -> None:
        """Translate a file; the result equals that of the picture as a whole.

        Raises:
            PictureError: the file cannot be read, or the model gave NaN or infinity.
            PatinaError: the result cannot be written.
        """
        if not isinstance(self.degradation, LearnedDegradation):
            raise TypeError(f"{self.degradation} has no bands")

        def open_rows() -> Callable[[int, int], Tensor]:
            reader = RowReader(source.path)
            return lambda start, stop: to_tensor(reader.rows(start, stop))

        first = RowReader(source.path)
        key, size = self.key(source.name, details["sample"]), (first.height, first.width)
        picture = PictureRows(open_rows, size, output.parent)
        bands = self.degradation.bands(picture, details["parameters"], key)
        try:
            write_rows(output, (to_pixels(band, first.dtype) for band in bands), *size, first.dtype, gray=False)
        except NotFinitePixels as error:
            raise PictureError(f"{source}: {self.model}: the model gave no image: {error}") from None
        note("translated in bands")
