"""The order of pictures in training: each once an epoch, independent of interruptions."""

import numpy as np

from patina.errors import PatinaError
from patina.seeding import numpy_rng


class ShuffledOrder:
    """An endless shuffled sequence of indices, readable at any position.

    Positions ``[epoch * n, (epoch + 1) * n)`` are one permutation of all indices, drawn from the seed and the
    epoch alone. So a resumed run continues the same sequence, and any number of worker processes read the
    same one.

    Args:
        n: number of pictures, at least 1.
        seed: decides the sequence; use different seeds for sets whose orders must be independent.

    Raises:
        PatinaError: there is nothing to choose from.
    """

    def __init__(self, n: int, seed: int) -> None:
        if n < 1:
            raise PatinaError("cannot shuffle an empty set: no images were given")
        self.n = n
        self.seed = seed
        self._epoch = -1
        self._permutation = np.empty(0, np.int64)

    def __call__(self, position: int) -> int:
        """Return the index in ``[0, n)`` at `position`, which counts from 0 over all epochs."""
        epoch, offset = divmod(position, self.n)
        return int(self._permutation_of(epoch)[offset])

    def _permutation_of(self, epoch: int) -> np.ndarray:
        if epoch != self._epoch:
            self._permutation = numpy_rng(self.seed, "epoch", epoch).permutation(self.n)
            self._epoch = epoch
        return self._permutation
