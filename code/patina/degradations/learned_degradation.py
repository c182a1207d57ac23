"""The interface of learned degradations, shared by translation, recipes and reports.

A new kind of model subclasses `LearnedDegradation`; its configuration class names that subclass and is listed in
`patina.specs.subjects`.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from patina.degradations.base import Degradation, Parameters
from patina.degradations.knobs import Knob, Span
from patina.degradations.ranges import draw_photo
from patina.errors import PatinaError
from patina.models.labels import CLEAN
from patina.models.model_files import ModelFile

Rows = Callable[[int, int], Tensor]
"""Returns the rows from a first one up to another, ``[3, h, W]`` in [0, 1]; the first is not above that of the call
before."""


@dataclass(frozen=True)
class PictureRows:
    """A picture that is read row by row.

    Attributes:
        open: opens it at its top; may be called several times.
        size: its height and width.
        scratch: a folder for intermediate results, in unnamed files.
    """

    open: Callable[[], Rows]
    size: tuple[int, int]
    scratch: Path


@dataclass(frozen=True)
class Tiling:
    """How large pictures are split, which determines the memory needed; None is the model's default.

    Attributes:
        tile, overlap: side of a tile and overlap of neighbouring tiles, in pixels.
        kept_mb: MiB for results that the encoding and decoding of a tile share, for models that do both.
    """

    tile: int | None = None
    overlap: int | None = None
    kept_mb: int | None = None


@dataclass(frozen=True)
class Use:
    """How a learned degradation is to be used.

    Attributes:
        source: domain of the input pictures, `CLEAN` (X) or `REAL` (Y).
        settings: knob values by name; omitted knobs take their defaults.
        tiling: how large pictures are split.
        device: device to compute on.
        precision: ``torch.float32`` or ``torch.bfloat16``, of the convolutions.
    """

    source: int = CLEAN
    settings: Mapping[str, Span] = field(default_factory=dict)
    tiling: Tiling = Tiling()
    device: torch.device | str = "cpu"
    precision: torch.dtype = torch.float32


class LearnedDegradation(Degradation):
    """A trained model that translates pictures from one domain to the other.

    Attributes:
        kind: name in model files and in the table of kinds.
        knobs: numbers that a user may set.
        default_tile: side of a tile in pixels, unless a user sets it.
        settings: value of every knob that `photo_knobs` lacks.
        photo_knobs: values of knobs as the real photos have them, an entry per photo: every image draws one photo's.
        precision: precision of the convolutions; float32 unless a kind supports others.
    """

    kind: ClassVar[str]
    knobs: ClassVar[tuple[Knob, ...]]
    default_tile: ClassVar[int]
    settings: dict[str, Span]
    photo_knobs: Mapping[str, Sequence[float]] = MappingProxyType({})
    precision: torch.dtype = torch.float32

    @property
    def matches_colours(self) -> bool:
        """Whether it moves the colours of images from one domain's statistics to the other's; some kinds can."""
        return False

    @classmethod
    @abstractmethod
    def from_model(cls, model: ModelFile, path: Path, use: Use) -> "LearnedDegradation":
        """Make the degradation of a model file.

        Args:
            model: contents of the file.
            path: the file, for messages.
            use: how to use it; its settings have been checked by `chosen_settings`.

        Raises:
            PatinaError: the weights do not fit the network, or the tiling is invalid.
        """

    @classmethod
    @abstractmethod
    def published_weights(cls, state: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
        """Rename the weights of a published state dict to this project's names; None if it is of another kind."""

    @abstractmethod
    def sample(self, image: Tensor, domain: int, key: int) -> Tensor:
        """Sample a picture of `domain` with the content of `image`, ``[3, H, W]`` in [0, 1]."""

    @property
    def works_in_bands(self) -> bool:
        """Whether `bands` is supported."""
        return False

    def bands(self, picture: PictureRows, parameters: Parameters, key: int) -> Iterator[Tensor]:
        """Yield the result of `apply` in bands ``[3, h, W]``, from the top to the bottom, equal to the whole one.

        Args:
            picture: what is read.
            parameters, key: as in `apply`.
        """
        raise TypeError(f"{self.kind} has no bands")

    def draw(self, rng: np.random.Generator) -> Parameters:
        """Draw a photo's knobs, and every other knob set to a range; numbers are used as they are."""
        photo = draw_photo(self.photo_knobs, rng)
        return photo | {name: _draw(span, rng) for name, span in self.settings.items()}

    def leave_to_photos(self, values: Mapping[str, Sequence[float]]) -> None:
        """Let every image draw knobs as a photo has them, instead of their settings.

        Args:
            values: of knobs, an entry per photo.

        Raises:
            PatinaError: there is no such knob, or a value is out of range.
        """
        self.chosen_settings({name: (min(numbers), max(numbers)) for name, numbers in values.items()})
        self.photo_knobs = {**self.photo_knobs, **values}
        self.settings = {name: span for name, span in self.settings.items() if name not in values}

    @classmethod
    def chosen_settings(cls, given: Mapping[str, Span]) -> dict[str, Span]:
        """Check a user's settings and fill in defaults.

        Returns:
            Values by knob; knobs whose default is stored in the model file are absent unless set.

        Raises:
            PatinaError: a value is out of range, or this kind of model has no such knob.
        """
        known = {knob.name: knob for knob in cls.knobs}
        for name in given:
            if name not in known:
                flags = ", ".join(f"-{known_name}" for known_name in known)
                raise PatinaError(f"-{name} does not apply to a {cls.kind} model, which has {flags}")
        defaults = {knob.name: knob.default for knob in cls.knobs if knob.default is not None}
        return defaults | {name: known[name].check(value) for name, value in given.items()}


def _draw(span: Span, rng: np.random.Generator) -> float:
    return float(rng.uniform(*span)) if isinstance(span, tuple) else span
