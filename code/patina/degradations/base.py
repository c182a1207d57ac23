"""The interfaces of everything that degrades a picture; drawing the parameters and applying them are apart."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from patina.degradations.ranges import Probability
from patina.settings import Strict

if TYPE_CHECKING:  # processes that work without models need not load torch
    from torch import Tensor
    from typing_extensions import Self

Parameters = dict[str, Any]
"""What was drawn for one picture: plain JSON values, so that it can be logged and done again."""

NOT_FINITE = (
    "gave values that are not finite for this picture; use milder knobs, or a model that was trained on such pictures"
)
"""What to say of a learned model whose result cannot be a picture."""

Size = tuple[int, int]
"""Height and width in pixels."""

Factors = tuple[float, float]
"""The least and the greatest size relative to the clean picture."""


class Degradation(ABC):
    """What takes clean pictures and returns degraded ones: a learned model, a fitted noise, a camera."""

    @abstractmethod
    def draw(self, rng: np.random.Generator) -> Parameters:
        """Draw the parameters for one picture."""

    @abstractmethod
    def apply(self, image: Tensor, parameters: Parameters, key: int) -> Tensor:
        """Degrade one picture.

        Args:
            image: ``[3, H, W]`` RGB in [0, 1].
            parameters: from `draw`.
            key: seed of the noise inside; the same key gives the same picture.

        Returns:
            The degraded picture, ``[3, H, W]`` in [0, 1]; a camera's is smaller.
        """

    def apply_batch(
        self, images: Sequence[Tensor], parameters: Sequence[Parameters], keys: Sequence[int]
    ) -> list[Tensor]:
        """Degrade several pictures; a model that computes them together faster overrides this."""
        return [self.apply(*each) for each in zip(images, parameters, keys, strict=True)]


@dataclass(frozen=True)
class Frame:
    """The sizes that parameters are drawn for.

    Attributes:
        size: of the picture now.
        source: of the clean picture.
        target: that the recipe ends at.
    """

    size: Size
    source: Size
    target: Size

    def resized(self, size: Size) -> Frame:
        """Return the frame after a step that ended at `size`."""
        return replace(self, size=size)


class _RecipeEntry(Strict, ABC):
    """What all blocks have in common; a subclass that declares a `name` is known to recipes by it."""

    name: ClassVar[str]
    """The block's key in a recipe."""

    mild_at_high: ClassVar[frozenset[str]] = frozenset()
    """The ranges whose high end does less to a picture, such as a quality."""

    probability: Probability = 1.0
    """Probability that the operation is applied to an image."""

    def factors(self, before: Factors, scale: int) -> Factors:
        """Return the least and the greatest size after this block, relative to the clean picture.

        Args:
            before: the same, before the block.
            scale: how many times smaller the recipe's results are.
        """
        return before

    def at_end(self, strongest: bool) -> Self:
        """Return the block with every range closed to its mildest or strongest end, and certain to happen."""
        ends = {
            name: (value[(name in self.mild_at_high) != strongest],) * 2
            for name, value in self
            if isinstance(value, tuple)
        }
        return self.model_copy(update={**ends, "probability": 1.0})


class SingleBlock(_RecipeEntry):
    """A block that is one step of a plan: what is done, with its parameters."""

    family: ClassVar[str]
    """What Dataset Destroyer calls this kind of degradation."""

    @abstractmethod
    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw the parameters for one picture; a block that changes the size gives the new one as `size`."""

    @classmethod
    def describe(cls, parameters: Parameters, size: Size) -> str:
        """Say what was drawn, such as ``compression: webp quality=82``; `size` is the picture's before the step."""
        kind = parameters.get("kind", cls.name.removesuffix("_blur").removesuffix("_noise"))
        values = {name: value for name, value in parameters.items() if name != "kind"}
        return f"{cls.family}: {' '.join([kind, *assignments(values)])}"


OPERATIONS: dict[str, type[Operation]] = {}
"""The classical operations by name; a class that declares its name enters itself."""


class Operation(SingleBlock):
    """A classical degradation: the ranges it draws from, and what it does with the parameters.

    One class is a whole operation: name, family, settings, `draw` and `apply`. Pictures are ``[H, W, 3]`` float32 RGB
    in [0, 1].
    """

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        if "name" in vars(cls) and OPERATIONS.setdefault(cls.name, cls) is not cls:
            raise TypeError(f"two operations are named {cls.name}: {OPERATIONS[cls.name].__name__}, {cls.__name__}")

    @staticmethod
    @abstractmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Degrade one picture.

        Args:
            image: ``[H, W, 3]`` float32 RGB in [0, 1]; it is not changed.
            parameters: from `draw`.
            key: seed of the noise inside; the same key gives the same picture.

        Returns:
            The degraded picture, ``[H', W', 3]`` float32 in [0, 1].
        """


class BlockGroup(_RecipeEntry):
    """A block made of other blocks."""

    @abstractmethod
    def drawn(self, rng: np.random.Generator, place: str) -> list[PlacedBlock]:
        """Draw which blocks stand in place of this one, and in which order."""

    @abstractmethod
    def changed(self, change: Callable[[Block], Block | None]) -> Self:
        """Return the group with every block inside changed, or left out where `change` gives None."""


Block = SingleBlock | BlockGroup
"""One entry of a recipe."""

PlacedBlock = tuple[str, Block]
"""A block behind its place in the recipe, which its random numbers belong to."""


def assignments(values: Mapping[str, Any]) -> list[str]:
    """Return ``name=value`` for each of the values."""
    return [f"{name}={_shown(value)}" for name, value in values.items()]


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return f"({'; '.join(map(_shown, value))})"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
