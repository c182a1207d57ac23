"""How near fitted pictures come to the photos, measure by measure, beside how near photos are to each other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from patina.seeding import numpy_rng

GROUPS: dict[str, tuple[str, ...]] = {
    "noise strength": ("y.variance", "y.0d.quiet", "y.0d.q10", "y.0x.q10", "y.0y.q10"),
    "noise grain": ("y.correlation",),
    "colour noise": ("b.variance", "r.variance", "b.0d.quiet", "r.0d.quiet", "rg", "rb", "gb"),
    "colour blotches": ("b.correlation", "r.correlation"),
    "noise by brightness": ("y.0d.level", "y.1d.level"),
    "edge sharpness": ("edge.width", "edge.slope"),
    "halos at edges": ("edge.over", "edge.under"),
    "block artefacts": ("y.blocks", "y.zeros", "b.zeros"),
}
"""Beginnings of the names of the measures in each group."""

HALVES = 20
"""Random halves of the photos that are held against each other."""

AS_CLOSE = 1.5
"""A fit counts as close while its distance is at most this many times that of two halves of the photos."""


@dataclass(frozen=True)
class Agreement:
    """One group of measures; distances are root mean squares in standard errors, so 1 is what chance alone gives.

    Attributes:
        group: name, see `GROUPS`.
        fitted: between fitted pictures and photos.
        halves: between random halves of the photos, the 90 % quantile of `HALVES` draws.
    """

    group: str
    fitted: float
    halves: float

    @property
    def is_close(self) -> bool:
        """Whether fitted pictures are about as near to the photos as photos are to each other."""
        return self.fitted <= AS_CLOSE * self.halves


def is_poor(agreed: Sequence[Agreement]) -> bool:
    """Whether fitted pictures are close in fewer than half of the groups: then the fit's numbers mean little."""
    return sum(agreement.is_close for agreement in agreed) < len(agreed) / 2


def agreements(names: Sequence[str], photos: np.ndarray, fitted: np.ndarray, seed: int = 0) -> list[Agreement]:
    """Compare sets of measures.

    Args:
        names: ``[k]``.
        photos: ``[n, k]``, at least 4 photos.
        fitted: ``[N, k]``.
        seed: of the halves.
    """
    deviation = np.sqrt((photos.var(axis=0) + fitted.var(axis=0)) / 2) + 1e-6
    errors = (photos.mean(axis=0) - fitted.mean(axis=0)) / deviation / np.sqrt(1 / len(photos) + 1 / len(fitted))
    halves = _halves(photos, deviation, seed)
    found = []
    for group, beginnings in GROUPS.items():
        inside = np.array([name.startswith(beginnings) for name in names])
        distances = np.sqrt(np.square(halves[:, inside]).mean(axis=1))
        distance = float(np.sqrt(np.square(errors[inside]).mean()))
        found.append(Agreement(group, distance, float(np.quantile(distances, 0.9))))
    return found


def _halves(photos: np.ndarray, deviation: np.ndarray, seed: int) -> np.ndarray:
    """Return the differences between random halves in standard errors, ``[HALVES, k]``."""
    rng, half = numpy_rng(seed, "halves"), len(photos) // 2
    found = []
    for _ in range(HALVES):
        order = rng.permutation(len(photos))
        difference = photos[order[:half]].mean(axis=0) - photos[order[half:]].mean(axis=0)
        found.append(difference / deviation / np.sqrt(1 / half + 1 / (len(photos) - half)))
    return np.array(found)
