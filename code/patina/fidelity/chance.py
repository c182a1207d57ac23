"""How far two sets of real images of one kind are from each other by chance, by the bootstrap (Efron 1979)."""

from collections.abc import Sequence

import numpy as np

from patina.fidelity.measured_samples import MeasuredSample
from patina.fidelity.profile import joint_profile
from patina.fidelity.properties import PROPERTIES
from patina.seeding import numpy_rng

DRAWS = 100
"""Pairs of sets that are drawn."""

PERCENTILE = 98
"""Percentile of their distances that is returned.

For the same degradation on other photographs, the properties exceed the 95th percentile in 8 of 240 cases.
"""


def chance_distances(
    images: Sequence[MeasuredSample], count: int, seed: int, *, by_scene: bool = True
) -> dict[str, float]:
    """Return the distance that two independent sets of real images seldom exceed, for every property.

    The sets are drawn from the images with replacement: one of `count` images, one of half of all images.

    Args:
        images: the real images, four or more.
        count: size of the first set.
        seed: seed of the draws.
        by_scene: whether whole scenes are drawn where there are four or more; images of one scene are alike.

    Returns:
        By the keys of `PROPERTIES`; NaN where nothing can be measured.
    """
    rng = numpy_rng(seed, "chance")
    groups = _groups(images, by_scene)
    sizes = [max(1, round(size / len(images) * len(groups))) for size in (count, len(images) // 2)]
    pairs = [[_drawn(groups, size, rng) for size in sizes] for _ in range(DRAWS)]
    measurable = [pair for pair in pairs if all(any(image.noise is not None for image in drawn) for drawn in pair)]
    found = [_distances(*pair) for pair in measurable]
    return {item.key: _percentile([distances[item.key] for distances in found]) for item in PROPERTIES}


def _distances(first: Sequence[MeasuredSample], second: Sequence[MeasuredSample]) -> dict[str, float]:
    """Return the distances of two sets by property; their profiles, many megabytes, are not kept."""
    profiles = joint_profile(first), joint_profile(second)
    return {item.key: item.distance(*profiles) for item in PROPERTIES}


def _groups(images: Sequence[MeasuredSample], by_scene: bool) -> list[list[MeasuredSample]]:
    scenes: dict[str, list[MeasuredSample]] = {}
    for image in images:
        scenes.setdefault(image.scene, []).append(image)
    return list(scenes.values()) if by_scene and len(scenes) >= 4 else [[image] for image in images]


def _drawn(groups: Sequence[list[MeasuredSample]], count: int, rng: np.random.Generator) -> list[MeasuredSample]:
    return [image for number in rng.integers(len(groups), size=count) for image in groups[number]]


def _percentile(distances: Sequence[float]) -> float:
    finite = [distance for distance in distances if np.isfinite(distance)]
    return float(np.percentile(finite, PERCENTILE)) if finite else float("nan")
