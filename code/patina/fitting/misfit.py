"""How close synthesised pictures come to the photos, compared with chance; and when a search ends."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from patina.fitting.unexplained import robust_misfit

EXPLAINED, NEARLY = 0.75, 2.0
"""Photos are explained once the misfit is below this fraction of the misfit that chance alone gives, and nearly if it
is below the second one. On simulated cameras, families that hold the camera's form come to 0.55 to 0.75, others to 0.8
and more; a search that ended in a side valley came to 1.0."""

SETTLED = 0.005
"""The search ends once a round changes the mean measures by less than this fraction of what chance gives (squared
Mahalanobis distance): where numbers make up for each other, as blur and sharpening do, small changes of the measures
go with large ones of the numbers."""

WORSE = 0.02
"""A step whose misfit is larger by this fraction of the misfit that chance gives is taken back."""

STALLED, PATIENCE = 0.95, 2
"""A search that is worse than chance also ends once `PATIENCE` rounds have not brought the misfit below this fraction
of the best before: such a family does not explain the photos."""

GIVEN_UP = 20.0, 5.0, 1.5, 1.0
"""A search is given up if its misfit after one, two, three and more rounds is above these multiples of another
family's. On simulated cameras, families that were taken in the end came to at most 6, 2.5, 0.9 and 0.9 of it."""


@dataclass(frozen=True)
class MisfitScale:
    """Compares mean measures of synthesised pictures with the photos'.

    Attributes:
        photos: the photos' mean measures, ``[k]``.
        chance: the misfit of photos and fitted pictures that differ by chance alone, on average.
    """

    photos: np.ndarray
    chance: float

    @classmethod
    def of(cls, photos: np.ndarray, samples: int) -> "MisfitScale":
        """Compare with photos of these measures, ``[n, k]``, by so many synthesised pictures."""
        return cls(photos.mean(axis=0), 1 / len(photos) + 1 / samples)

    def misfit(self, expected: np.ndarray, precision: np.ndarray) -> float:
        """Return how far mean measures are from the photos', per measure, in variances of one picture.

        This is a squared Mahalanobis distance. Unlike a match's distance it sees small differences in measures that
        hardly vary from picture to picture. The few that are far off count less (see `patina.fitting.unexplained`).

        Args:
            expected: ``[k]``.
            precision: inverse covariance of one picture's measures, ``[k, k]``.
        """
        return robust_misfit(self.photos - expected, precision, self.chance)

    def is_worse(self, now: np.ndarray, before: np.ndarray, precision: np.ndarray) -> bool:
        """Whether a step of the mean measures led away from the photos by more than `WORSE` of what chance gives."""
        return self.misfit(now, precision) > self.misfit(before, precision) + WORSE * self.chance

    def is_settled(self, change: np.ndarray, precision: np.ndarray) -> bool:
        """Whether a round's change of the mean measures is too small to search on."""
        return float(change @ precision @ change) / len(change) < SETTLED * self.chance

    def has_stalled(self, misfits: Sequence[float]) -> bool:
        """Whether the last rounds of a search that is worse than chance brought no progress."""
        before, latest = misfits[:-PATIENCE], min(misfits[-PATIENCE:])
        return len(before) > 0 and latest > max(self.chance, STALLED * min(before))

    def is_given_up(self, rounds: int, expected: np.ndarray, rival: np.ndarray, precision: np.ndarray) -> bool:
        """Whether a search of so many rounds is so far behind a rival that it will not overtake it.

        Args:
            rounds: that are done, at least 1.
            expected, rival: mean measures ``[k]`` of the search, and of the other family's match.
            precision: ``[k, k]``, of the search.
        """
        limit = GIVEN_UP[min(rounds, len(GIVEN_UP)) - 1]
        return self.misfit(expected, precision) > limit * self.misfit(rival, precision)
