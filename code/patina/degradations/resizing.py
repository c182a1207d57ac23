"""Resizing: in one step, or in two that end at the target size."""

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from patina.degradations.base import Factors, Frame, Operation, Parameters, Size
from patina.degradations.ranges import Among, Between, Probability, RealRange, Weights, draw_kind, draw_real
from patina.imaging.resize_filters import FILTERS, resize
from patina.imaging.tone_curve import linear_to_srgb, srgb_to_linear

Filters = Annotated[Weights, Among(FILTERS, "filter")]

DATASET_DESTROYER_NAMES = {"catmull_rom": "cubic_catrom", "mitchell": "cubic_mitchell", "b_spline": "cubic_bspline"}
"""Dataset Destroyer's names of filters that differ from ours."""

_SLACK = 1e-6
"""Added before rounding down, so that a product just below a whole number, as 479.9999999, is not cut by a pixel."""


def scaled(size: Size, factor: float) -> Size:
    """Return `size` times `factor`, rounded down, at least one pixel."""
    height, width = (max(1, int(length * factor + _SLACK)) for length in size)
    return height, width


def _base(frame: Frame, of: str) -> Size:
    return {"current": frame.size, "source": frame.source, "target": frame.target}[of]


class Resize(Operation):
    """A resize to a multiple of the current, source or target size."""

    name = "resize"
    family = "scale"
    mild_at_high = frozenset({"factor"})

    filter: Filters
    """Filters with weights."""

    factor: Annotated[RealRange, Between(0.01, 16)] = (1.0, 1.0)
    """Factor of the size that `of` names."""

    of: Literal["current", "source", "target"] = "current"
    """`current`; `source`, the clean image; or `target`, the clean image divided by the recipe's scale. The last resize
    of a recipe is `of: target`."""

    linear_light: Probability = 0.0
    """Probability of resizing light instead of sRGB's values: bright details stay bright, as in good image editors."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw filter, size and the kind of values."""
        factor = draw_real(rng, self.factor)
        drawn: dict[str, Any] = {
            "filter": draw_kind(rng, self.filter),
            "size": list(scaled(_base(frame, self.of), factor)),
        }
        if self.linear_light:
            drawn["linear_light"] = bool(rng.random() < self.linear_light)
        return drawn

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Resize and clip the filter's overshoots."""
        size, name = tuple(parameters["size"]), parameters["filter"]
        if not parameters.get("linear_light", False):
            return resize(image, size, name)
        light = resize(srgb_to_linear(image).astype(np.float32), size, name)
        return linear_to_srgb(light).astype(np.float32)

    @classmethod
    def describe(cls, parameters: Parameters, size: Size) -> str:
        """Describe filter and factor."""
        return f"scale: {_filter(parameters['filter'])} size factor={_factor(size, parameters['size'])}"

    def factors(self, before: Factors, scale: int) -> Factors:
        """Return the sizes after this block."""
        base = {"current": before, "source": (1.0, 1.0), "target": (1 / scale, 1 / scale)}[self.of]
        return base[0] * self.factor[0], base[1] * self.factor[1]


class DownUp(Operation):
    """Two resizes that end at the target size."""

    name = "down_up"
    family = "scale"
    mild_at_high = frozenset({"factor"})

    factor: Annotated[RealRange, Between(0.01, 16)] = (0.15, 1.5)
    """Factor of the size that `of` names, for the first resize."""

    of: Literal["current", "source", "target"] = "source"
    """`current`, `source` (the clean image) or `target`."""

    first: Filters = Field(dict.fromkeys(("linear", "catmull_rom", "area", "box"), 1.0))
    """Filters of the first resize, with weights."""

    second: Filters = Field(dict.fromkeys(("linear", "catmull_rom", "lanczos"), 1.0))
    """Filters of the second resize, with weights."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw the intermediate size and both filters."""
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

    @classmethod
    def describe(cls, parameters: Parameters, size: Size) -> str:
        """Describe filters and factors."""
        first, second = parameters["size_between"], parameters["size"]
        return (
            f"scale: down_up scale1factor={_factor(size, first)} scale1algorithm={_filter(parameters['first'])} "
            f"scale2factor={_factor(first, second)} scale2algorithm={_filter(parameters['second'])}"
        )

    def factors(self, before: Factors, scale: int) -> Factors:
        """Return the target size."""
        return 1 / scale, 1 / scale


def _filter(name: str) -> str:
    return DATASET_DESTROYER_NAMES.get(name, name)


def _factor(before: Size, after: Size) -> str:
    return f"{after[0] / before[0]:.4g}"
