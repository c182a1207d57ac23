"""What every learned degradation offers, so that translation, recipes and reports take any of them.

A new kind of model is a `LearnedDegradation`, which its configuration class names; that class is one line in the table
of `patina.specs.subjects`.
"""

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from patina.degradations.base import Degradation, Parameters
from patina.errors import PatinaError, require_range
from patina.models.labels import CLEAN
from patina.models.model_files import ModelFile

Span = float | tuple[float, float]
"""A number, or a range that one is drawn from for every picture."""


@dataclass(frozen=True)
class Knob:
    """A number that a user may set at translation.

    Attributes:
        name: of the flag and of the drawn parameter.
        help: what it does.
        low, high: smallest and largest value allowed.
        default: None where the model file knows it.
    """

    name: str
    help: str
    low: float
    high: float = float("inf")
    default: float | None = None

    def check(self, value: Span) -> Span:
        """Return `value` if it can be used.

        Raises:
            PatinaError: it is outside of the allowed values, or a range whose ends are exchanged.
        """
        low, high = value if isinstance(value, tuple) else (value, value)
        if not low <= high:
            raise PatinaError(f"-{self.name} is {low}:{high}, expected the smaller number first")
        require_range(self.name, low, self.low, self.high)
        require_range(self.name, high, self.low, self.high)
        return value


@dataclass(frozen=True)
class Tiling:
    """How large pictures are cut, which with what is kept decides the memory; None is the model's own.

    Attributes:
        tile, overlap: side of a tile and overlap of neighbours, in pixels.
        kept_mb: MiB for what encoding and decoding of a tile share, for models that have both.
    """

    tile: int | None = None
    overlap: int | None = None
    kept_mb: int | None = None


@dataclass(frozen=True)
class Use:
    """How a learned degradation is to be used.

    Attributes:
        source: the domain that pictures come from, `CLEAN` (X) or `REAL` (Y).
        settings: values of knobs by name; those left out take their defaults.
        tiling: how large pictures are cut.
        device: where to compute.
        precision: ``torch.float32`` or ``torch.bfloat16``, of the convolutions.
    """

    source: int = CLEAN
    settings: Mapping[str, Span] = field(default_factory=dict)
    tiling: Tiling = Tiling()
    device: torch.device | str = "cpu"
    precision: torch.dtype = torch.float32


class LearnedDegradation(Degradation):
    """A trained model that takes pictures from one domain to the other.

    Attributes:
        kind: the name in model files and in the table of kinds.
        knobs: what a user may set.
        settings: the value of every knob.
        precision: of the convolutions; float32 unless a kind offers another.
    """

    kind: ClassVar[str]
    knobs: ClassVar[tuple[Knob, ...]]
    settings: dict[str, Span]
    precision: torch.dtype = torch.float32

    @classmethod
    @abstractmethod
    def from_model(cls, model: ModelFile, path: Path, use: Use) -> "LearnedDegradation":
        """Make the degradation of a model file.

        Args:
            model: what the file holds.
            path: the file, for messages.
            use: how to use it; its settings have been checked by `chosen_settings`.

        Raises:
            PatinaError: the weights do not fit, or a tiling cannot be used.
        """

    @classmethod
    @abstractmethod
    def published_weights(cls, state: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
        """Return a published state dict under the project's names, or None where it is of another kind."""

    @abstractmethod
    def sample(self, image: Tensor, domain: int, key: int) -> Tensor:
        """Draw a picture of `domain` that shows what `image` shows, ``[3, H, W]`` in [0, 1]."""

    def draw(self, rng: np.random.Generator) -> Parameters:
        """Draw every knob that is set to a range; a number stays what it is."""
        return {name: _draw(span, rng) for name, span in self.settings.items()}

    @classmethod
    def chosen_settings(cls, given: Mapping[str, Span]) -> dict[str, Span]:
        """Check what a user sets.

        Returns:
            The values of all knobs that have one.

        Raises:
            PatinaError: a value is not allowed, or this kind of model has no such knob.
        """
        known = {knob.name: knob for knob in cls.knobs}
        for name in given:
            if name not in known:
                own = ", ".join(f"-{each}" for each in known)
                raise PatinaError(f"-{name} is no setting of a {cls.kind} model; it has {own}")
        defaults = {knob.name: knob.default for knob in cls.knobs if knob.default is not None}
        return defaults | {name: known[name].check(value) for name, value in given.items()}


def parse_span(text: str) -> Span:
    """Read ``0.5`` or ``0.5:1.5``.

    Raises:
        ValueError: something else.
    """
    try:
        ends = [float(part) for part in text.split(":")]
    except ValueError:
        ends = []
    if len(ends) not in (1, 2) or not all(map(math.isfinite, ends)):
        raise ValueError(f"{text!r} is neither a number nor a range such as 0.5:1.5")
    return ends[0] if len(ends) == 1 else (ends[0], ends[1])


def _draw(span: Span, rng: np.random.Generator) -> float:
    return float(rng.uniform(*span)) if isinstance(span, tuple) else span
