"""The knobs and tiles of every kind of learned degradation; light to import, so that help texts can list them."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from patina.errors import PatinaError, require_range

Span = float | tuple[float, float]
"""A number, or a range to draw from for every image."""

MOST_SAMPLING_STEPS = 1000


@dataclass(frozen=True)
class Knob:
    """A number that a user may set at translation.

    Attributes:
        name: name of the flag and of the drawn parameter.
        help: help text of the flag.
        low, high: smallest and largest value allowed.
        default: default value; None if it is stored in the model file.
    """

    name: str
    help: str
    low: float
    high: float = float("inf")
    default: float | None = None

    def check(self, value: Span) -> Span:
        """Return `value` if it is valid.

        Raises:
            PatinaError: it is out of range, or a range with its ends swapped.
        """
        low, high = value if isinstance(value, tuple) else (value, value)
        if not low <= high:
            raise PatinaError(f"-{self.name} is {low}:{high}, expected the smaller number first")
        require_range(self.name, low, self.low, self.high)
        require_range(self.name, high, self.low, self.high)
        return value


@dataclass(frozen=True)
class Handles:
    """What a user may set of one kind of learned degradation.

    Attributes:
        tile: default side of a tile in pixels.
        knobs: numbers.
        overlap: default overlap of neighbouring tiles in pixels; 0 for kinds whose tiles do not overlap.
    """

    tile: int
    knobs: tuple[Knob, ...]
    overlap: int = 0


HANDLES: dict[str, Handles] = {
    "deflow": Handles(512, (Knob("heat", "DeFlow: how far to translate, 0 to 1", 0, 1, default=1.0),), overlap=64),
    "ludvae": Handles(
        320,  # feature maps of such a tile take 52 MB in float32 at 128 channels; about ten are held at once
        (
            Knob("noise_level", "LUD-VAE: std (8-bit) of the noise that hides the domain", 0, 255),
            Knob("temperature", "LUD-VAE: factor of the drawn latents, 0 for none", 0, default=1.0),
            Knob("detail", "LUD-VAE: part of the lost detail to add back", 0, 1, default=0.0),
        ),
    ),
    "ludif": Handles(
        320,
        (
            Knob("strength", "LUD-DIF: std (8-bit) of the noise", 0, 255),
            Knob("steps", "LUD-DIF: number of sampling steps", 1, MOST_SAMPLING_STEPS),
            Knob("eta", "LUD-DIF: noise drawn in each sampling step, 0 (DDIM) to 1 (DDPM)", 0, 1),
        ),
        overlap=48,
    ),
}
"""By kind of learned degradation, which is the task of its configuration."""


def known_knobs() -> Iterable[Knob]:
    """Return the knobs of all kinds of learned degradations, without duplicates."""
    return {knob.name: knob for handles in HANDLES.values() for knob in handles.knobs}.values()


def parse_span(text: str) -> Span:
    """Parse ``0.5`` or ``0.5:1.5``.

    Raises:
        ValueError: `text` is neither a number nor a range.
    """
    try:
        ends = [float(part) for part in text.split(":")]
    except ValueError:
        ends = []
    if len(ends) not in (1, 2) or not all(map(math.isfinite, ends)):
        raise ValueError(f"{text!r} is neither a number nor a range such as 0.5:1.5")
    return ends[0] if len(ends) == 1 else (ends[0], ends[1])
