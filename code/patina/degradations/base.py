"""Interfaces of degradations and recipe blocks; drawing the parameters and applying them are separate steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from patina.degradations.ranges import Probability
from patina.settings import Settings

if TYPE_CHECKING:  # processes that work without models need not load torch
    from torch import Tensor
    from typing_extensions import Self

Parameters = dict[str, Any]
"""What was drawn for one picture: plain JSON values, so that it can be logged and replayed."""

NOT_FINITE = (
    "gave values that are not finite for this image; use milder knobs, or a model that was trained on such images"
)
"""Message for a learned model whose result contains NaN or infinity; the model's path goes before it."""

Size = tuple[int, int]
"""Height and width in pixels."""

Factors = tuple[float, float]
"""Smallest and largest possible size relative to the clean picture."""


class Degradation(ABC):
    """Turns clean pictures into degraded ones: a learned model, Gaussian noise or a simulated camera."""

    @abstractmethod
    def draw(self, rng: np.random.Generator) -> Parameters:
        """Draw the parameters for one picture."""

    @abstractmethod
    def apply(self, image: Tensor, parameters: Parameters, key: int) -> Tensor:
        """Degrade one picture.

        Args:
            image: ``[3, H, W]`` RGB in [0, 1].
            parameters: from `draw`.
            key: noise seed; the same key gives the same picture.

        Returns:
            The degraded picture, ``[3, H, W]`` in [0, 1]; a camera's is smaller.
        """

    def apply_batch(
        self, images: Sequence[Tensor], parameters: Sequence[Parameters], keys: Sequence[int]
    ) -> list[Tensor]:
        """Degrade several pictures; models that are faster on a batch override this."""
        return [self.apply(*arguments) for arguments in zip(images, parameters, keys, strict=True)]


@dataclass(frozen=True)
class Frame:
    """The sizes that drawing the parameters depends on.

    Attributes:
        size: current size of the picture.
        source: size of the clean picture.
        target: size of the recipe's result.
    """

    size: Size
    source: Size
    target: Size

    def resized(self, size: Size) -> Frame:
        """Return the frame after a step that changed the picture's size to `size`."""
        return replace(self, size=size)


class _RecipeEntry(Settings, ABC):
    """Base of all blocks; recipes refer to a subclass by the `name` it declares."""

    name: ClassVar[str]
    """The block's key in a recipe."""

    mild_at_high: ClassVar[frozenset[str]] = frozenset()
    """Ranges whose high end is the mild one, such as a quality."""

    neutral: ClassVar[Mapping[str, float]] = {}
    """Values without effect, of ranges that may lie on both sides of them, such as a shift of 0."""

    probability: Probability = 1.0
    """Probability that the operation is applied to an image."""

    def factors(self, before: Factors, scale: int) -> Factors:
        """Return the smallest and largest possible size after this block, relative to the clean picture.

        Args:
            before: smallest and largest size before the block.
            scale: downscaling factor of the recipe.
        """
        return before

    def at_end(self, strongest: bool) -> Self:
        """Return the block with every range fixed at its mildest or strongest end and probability 1."""
        ends = {name: (self._end(name, value, strongest),) * 2 for name, value in self if isinstance(value, tuple)}
        return self.model_copy(update={**ends, "probability": 1.0})

    def _end(self, name: str, ends: tuple[float, float], strongest: bool) -> float:
        low, high = ends
        if name in self.neutral:
            neutral = self.neutral[name]
            return max(high, low, key=lambda end: abs(end - neutral)) if strongest else min(max(neutral, low), high)
        return high if (name in self.mild_at_high) != strongest else low


class SingleBlock(_RecipeEntry):
    """A block that becomes one step of a plan."""

    family: ClassVar[str]
    """Dataset Destroyer's name for this kind of degradation."""

    @property
    def files(self) -> list[Path]:
        """The files that the block reads."""
        return []

    def check_ready(self) -> None:
        """Read the block's files and look for its codecs once, to say before any work what is wrong with them.

        Raises:
            PatinaError: a file or codec is missing or cannot be used.
        """

    @abstractmethod
    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw the parameters for one picture; a block that resizes returns the new size as `size`."""

    @classmethod
    def describe(cls, parameters: Parameters, size: Size) -> str:
        """Describe what was drawn, e.g. ``compression: webp quality=82``; `size` is the picture's before the step."""
        kind = parameters.get("kind", cls.name.removesuffix("_blur").removesuffix("_noise"))
        values = {name: value for name, value in parameters.items() if name not in ("kind", "digest")}
        if "file" in values:
            values["file"] = Path(values["file"]).name
        kinds = [] if kind == cls.family else [kind]
        return f"{cls.family}: {' '.join([*kinds, *assignments(values)])}"


OPERATIONS: dict[str, type[Operation]] = {}
"""The classical operations by name; a class that declares its name registers itself."""


class Operation(SingleBlock):
    """A classical degradation: its settings, how parameters are drawn from them and how they are applied.

    Pictures are ``[H, W, 3]`` float32 RGB in [0, 1].
    """

    same_in_every_frame: ClassVar[bool] = False
    """Whether all frames of a clip share the key: a screen keeps its position, while noise is new in every frame."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        if "name" in vars(cls) and OPERATIONS.setdefault(cls.name, cls) is not cls:
            raise TypeError(f"two operations are named {cls.name}: {OPERATIONS[cls.name].__name__}, {cls.__name__}")

    @staticmethod
    @abstractmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Degrade one picture.

        Args:
            image: ``[H, W, 3]`` float32 RGB in [0, 1]; not modified.
            parameters: from `draw`.
            key: noise seed; the same key gives the same picture.

        Returns:
            The degraded picture, ``[H', W', 3]`` float32 in [0, 1].
        """


class BlockGroup(_RecipeEntry):
    """A block made of other blocks."""

    @abstractmethod
    def drawn(self, rng: np.random.Generator, place: str) -> list[PlacedBlock]:
        """Draw which blocks replace this one, in which order."""

    @abstractmethod
    def changed(self, change: Callable[[Block], Block | None]) -> Self:
        """Return the group with `change` applied to every block inside; blocks it maps to None are dropped."""


Block = SingleBlock | BlockGroup
"""One entry of a recipe."""

PlacedBlock = tuple[str, Block]
"""A block's place in the recipe, from which its random numbers derive, and the block."""


def assignments(values: Mapping[str, Any]) -> list[str]:
    """Format every value as ``name=value``."""
    return [f"{name}={_shown(value)}" for name, value in values.items()]


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return f"({'; '.join(map(_shown, value))})"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
