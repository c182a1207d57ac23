"""Changes of size: one step, or two that end at the wanted size."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from patina.degradations.base import Factors, Frame, Operation, Parameters, Size
from patina.degradations.ranges import Among, Between, RealRange, Weights, draw_kind, draw_real
from patina.imaging.filters import FILTERS, resize

Filters = Annotated[Weights, Among(FILTERS, "filter")]

_SLACK = 1e-6  # 481 * 0.25 is 120.25 and 120 * 4.0000001 is no more than 480


def scaled(size: Size, factor: float) -> Size:
    """Return `size` times `factor`, rounded down, at least one pixel."""
    return tuple(max(1, int(length * factor + _SLACK)) for length in size)


def _base(frame: Frame, of: str) -> Size:
    return {"current": frame.size, "source": frame.source, "target": frame.target}[of]


class Resize(Operation):
    """A resize by a factor of the current, the clean or the target size."""

    filter: Filters
    """Filters with weights."""

    factor: Annotated[RealRange, Between(0.01, 16)] = (1.0, 1.0)
    """Factor of the size that `of` names."""

    of: Literal["current", "source", "target"] = "current"
    """`current`; `source`, the clean image; or `target`, the clean image divided by the recipe's scale. The last resize
    of a recipe is `of: target`."""

    mild_at_high = frozenset({"factor"})

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw filter and size."""
        factor = draw_real(rng, self.factor)
        return {"filter": draw_kind(rng, self.filter), "size": list(scaled(_base(frame, self.of), factor))}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Resize; what a filter overshoots is clipped."""
        return resize(image, tuple(parameters["size"]), parameters["filter"])

    def factors(self, before: Factors, scale: int) -> Factors:
        """Return the sizes after this block."""
        base = {"current": before, "source": (1.0, 1.0), "target": (1 / scale, 1 / scale)}[self.of]
        return base[0] * self.factor[0], base[1] * self.factor[1]


class DownUp(Operation):
    """Two resizes that end at the target size."""

    factor: Annotated[RealRange, Between(0.01, 16)] = (0.15, 1.5)
    """Factor of the size that `of` names, for the first resize."""

    of: Literal["current", "source", "target"] = "source"
    """`current`, `source` (the clean image) or `target`."""

    first: Filters = Field(dict.fromkeys(("linear", "catmull_rom", "area", "box"), 1.0))
    """Filters of the first resize, with weights."""

    second: Filters = Field(dict.fromkeys(("linear", "catmull_rom", "lanczos"), 1.0))
    """Filters of the second resize, with weights."""

    mild_at_high = frozenset({"factor"})

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw the size on the way, and both filters."""
        return {
            "first": draw_kind(rng, self.first),
            "size_between": list(scaled(_base(frame, self.of), draw_real(rng, self.factor))),
            "second": draw_kind(rng, self.second),
            "size": list(frame.target),
        }

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Resize twice."""
        between = resize(image, tuple(parameters["size_between"]), parameters["first"])
        return resize(between, tuple(parameters["size"]), parameters["second"])

    def factors(self, before: Factors, scale: int) -> Factors:
        """Return the wanted size."""
        return 1 / scale, 1 / scale
