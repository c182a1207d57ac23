"""What upscales a picture, whatever it is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from patina.errors import PictureError
from patina.imaging.interpolation import Interpolation
from patina.imaging.matlab_resize import imresize
from patina.imaging.transparency import with_hidden_filled
from patina.imaging.value_spaces import NotFinitePixels
from patina.runs.made_by import MadeBy

if TYPE_CHECKING:
    from patina.models.sr3 import Sampler  # imports torch, which interpolations do without


@dataclass(frozen=True)
class Sampling:
    """How a diffusion model draws samples.

    Attributes:
        sampler: None for the one in the model file.
        steps: None for the number in the model file; for another sampler than the file's, None is the number of steps
            that the model was trained with.
    """

    sampler: Sampler | None = None
    steps: int | None = None


OWN_SAMPLING = Sampling()


class Enlarger(Protocol):
    """Enlarges a picture by a fixed scale."""

    @property
    def scale(self) -> int:
        """Output pixels per input pixel along each side."""

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Map RGB ``[H, W, 3]``, uint8 or uint16, to ``[scale H, scale W, 3]`` of the same type."""


@runtime_checkable
class BandEnlarger(Protocol):
    """An `Enlarger` that also works band by band, for pictures larger than the memory."""

    @property
    def scale(self) -> int:
        """Output pixels per input pixel along each side."""

    @property
    def works_in_bands(self) -> bool:
        """Whether `bands` is supported."""

    def bands(
        self, rows: Callable[[int, int], np.ndarray], size: tuple[int, int], dtype: np.dtype
    ) -> Iterator[np.ndarray]:
        """Yield the enlarged picture in bands ``[h, scale W, 3]``, equal to the whole one.

        Args:
            rows: returns the rows from a first one up to another, ``[h, W, 3]``.
            size: height and width of the picture.
            dtype: uint8 or uint16.
        """


@dataclass(frozen=True)
class Upscaler:
    """An open model and a description of everything that decides its results.

    Attributes:
        enlarge: the model.
        made_by: the description, for output folders.
    """

    enlarge: Enlarger
    made_by: MadeBy

    @property
    def scale(self) -> int:
        """Output pixels per input pixel along each side."""
        return self.enlarge.scale

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Map RGB ``[H, W, 3]``, uint8 or uint16, to ``[scale H, scale W, 3]`` of the same type.

        Raises:
            PictureError: the model gave NaN or infinity for this picture; the message says where.
        """
        try:
            return self.enlarge(pixels)
        except NotFinitePixels as error:
            name = next(iter(self.made_by.models), "the interpolation")
            raise PictureError(f"{name} gave no image: {error}; use another model, or -precision 32") from None

    def with_alpha(self, pixels: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Enlarge pixels ``[H, W, 3]`` and their alpha ``[H, W]``; invisible colours leave no trace in visible ones.

        An interpolation weights every colour by its alpha, and enlarges alpha itself. A network sees invisible pixels
        in the colours around them, and alpha is enlarged by bicubic interpolation.
        """
        if isinstance(self.enlarge, Interpolation):
            return self.enlarge.with_alpha(pixels, alpha)
        return self(with_hidden_filled(pixels, alpha)), imresize(alpha, self.scale)
