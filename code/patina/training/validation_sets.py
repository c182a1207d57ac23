"""Sets of pairs on which a restoration network is validated, by name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from lightning_fabric import Fabric

from patina.data.pairs import Pair
from patina.imaging.sheets import sheet
from patina.metrics.full_reference import caption, means_of
from patina.training.processes import divided
from patina.training.task import Validation

SHEET_COLUMNS = ["input, bicubic", "result", "ground truth"]

Corners = list[np.ndarray]
"""What a sheet shows of a pair: crops (RGB uint8 ``[H, W, 3]``) of input, result and GT."""

Measure = Callable[[Pair, bool], tuple[dict[str, float], Corners]]
"""Returns the scores of a pair, and its crops if they are shown."""

V = TypeVar("V")


@dataclass(frozen=True)
class ValidationSet:
    """Pairs that are measured together.

    Attributes:
        pairs: the pairs.
        shown: number of pairs shown, the first ones.
    """

    pairs: Sequence[Pair]
    shown: int = 4


ValidationSets = Mapping[str, ValidationSet]
"""Sets by name; the name of a set that stands alone may be empty."""


def named(name: str, values: Mapping[str, V]) -> dict[str, V]:
    """Return the numbers of a set with its name before each, e.g. ``bsd/psnr``."""
    return {f"{name}/{key}" if name else key: value for key, value in values.items()}


def validation_of(fabric: Fabric, sets: ValidationSets, measure: Measure) -> Validation:
    """Measure all sets, divided over the processes.

    Returns:
        The means of every set's scores, and a sheet of each.
    """
    found = Validation()
    for name, one in sets.items():

        def measured(index: int, pair: Pair, shown: int = one.shown) -> tuple[dict[str, float], Corners]:
            return measure(pair, index < shown)

        results = divided(fabric, one.pairs, measured)
        scores = [score for score, _ in results]
        found.scalars |= named(name, means_of(scores))
        rows = [corners for _, corners in results[: one.shown]]
        titles = [f"{pair.stem}: {caption(score)}" for pair, score in zip(one.pairs, scores, strict=True)]
        found.pictures[f"results-{name}" if name else "results"] = sheet(rows, SHEET_COLUMNS, titles[: len(rows)])
    return found
