"""How the measures of undegraded images vary from image to image, each by itself and together.

Photos and clean images have different contents. A fit must not mistake such a difference, for example coarser texture
or fewer edges, for degradation. A few dozen clean images sample only some of the differences between contents, so their
covariance is combined with that of many natural images. With an inverse Wishart prior of mean P and as many degrees of
freedom as there are measures,

    C = (M C_own + k P) / (M + k),    for M clean crops and k measures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files

import numpy as np

FACTORS = 40
"""Principal components of the natural images' covariance that are kept; the rest is kept measure by measure."""


@dataclass(frozen=True)
class Contents:
    """What the clean images measure before they are degraded.

    Attributes:
        measures: ``[M, k]``, of every clean crop.
        covariance: ``[k, k]``, of such measures from image to image.
    """

    measures: np.ndarray
    covariance: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Mean measures, ``[k]``."""
        return self.measures.mean(axis=0)

    @classmethod
    def of(cls, names: Sequence[str], measures: np.ndarray) -> "Contents":
        """Combine the covariance of clean images with that of natural images.

        Args:
            names: of the measures, ``[k]``.
            measures: ``[M, k]``.
        """
        count, size = measures.shape
        deviations = measures - measures.mean(axis=0)
        own = deviations.T @ deviations * (count / max(1, count - 1))
        return cls(measures, (own + size * natural_covariance(tuple(names))) / (count + size))


@dataclass(frozen=True)
class NaturalContents:
    """The covariance F F' + diag(r) of natural images' measures.

    Attributes:
        names: of the measures, ``[k]``.
        factors: F, ``[k, FACTORS]``.
        rest: r, ``[k]``.
    """

    names: np.ndarray
    factors: np.ndarray
    rest: np.ndarray

    @classmethod
    def measured(cls, names: Sequence[str], measures: np.ndarray) -> "NaturalContents":
        """Sum up the measures ``[N, k]`` of many natural images."""
        deviations = (measures - measures.mean(axis=0)) / np.sqrt(len(measures) - 1)
        scale = deviations.std(axis=0) + 1e-9
        _, sizes, components = np.linalg.svd(deviations / scale, full_matrices=False)
        factors = scale[:, None] * (components[:FACTORS].T * sizes[:FACTORS])
        rest = np.square(deviations).sum(axis=0) - np.square(factors).sum(axis=1)
        return cls(np.array(names), np.float32(factors), np.float32(rest.clip(0)))


@cache
def natural_covariance(names: tuple[str, ...]) -> np.ndarray:
    """Return the covariance ``[k, k]`` of natural images' measures, which comes with Patina.

    Raises:
        KeyError: it lacks one of the measures; ``docs/make_natural_contents.py`` measures it again.
    """
    with as_file(files("patina.fitting") / "natural_contents.npz") as path, np.load(path) as stored:
        known = NaturalContents(stored["names"], np.float64(stored["factors"]), np.float64(stored["rest"]))
    place = {name: number for number, name in enumerate(known.names.tolist())}
    order = [place[name] for name in names]
    factors = known.factors[order]
    return factors @ factors.T + np.diag(known.rest[order])
