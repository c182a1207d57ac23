"""How the measures of undegraded images vary from image to image, each by itself and together.

Photos and clean images have different contents. A fit must not mistake such a difference, for example coarser texture
or fewer edges, for degradation. A few dozen clean images sample only some of the differences between contents, so their
covariance is combined with that of many natural images. With an inverse Wishart prior of mean P and as many degrees of
freedom as there are measures,

    C = (M C_own + k P) / (M + k),    for M clean crops and k measures.

Small differences between contents act on the measures of degraded images in proportion; large ones do not: fine texture
that exceeds the noise hides it. So clean crops that resemble the photos count more. What a fit leaves unexplained tells
how the photos' contents differ from the clean ones'; their mean is brought there in a few `COARSE` measures, which
degradations hardly change, by exponential tilting: crop i counts exp(t λ' x_i), λ = (cov x + RIDGE)^-1 (difference).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.resources import as_file, files

import numpy as np

COARSE = (
    "brightness", "contrast", "y.2x.q30", "y.2y.q30", "y.2x.q60", "y.2y.q60", "y.2d.q60", "y.2x.q90", "y.2y.q90",
    "b.2x.q90", "r.2x.q90",
)  # fmt: skip
"""Measures by which clean crops resemble photos: brightness, contrast, and coarse texture."""

RIDGE = 0.3
"""Added to the variances of the coarse measures, which are 1 here."""

LEAST_EFFECTIVE, FEWEST = 0.3, 12
"""Weighted crops count together at least as much as this fraction of all, and at least as much as this many."""

_TILTS = 20
"""Steps in which the tilt is made smaller until enough crops count."""

FACTORS = 120
"""Principal components of the natural images' covariance that are kept; the rest is kept measure by measure."""


@dataclass(frozen=True)
class Contents:
    """What the clean images measure before they are degraded.

    Attributes:
        names: of the measures, ``[k]``.
        measures: ``[M, k]``, of every clean crop.
        natural: ``[k, k]``, the covariance of such measures from one natural image to another.
        weights: ``[M]``, how much each crop counts; 1 on average.
        spoiled: places of measures that the images' own compression spoils; they say nothing about the photos.
    """

    names: tuple[str, ...]
    measures: np.ndarray
    natural: np.ndarray
    weights: np.ndarray
    spoiled: tuple[int, ...] = ()

    @classmethod
    def of(cls, names: Sequence[str], measures: np.ndarray, *, have_blocks: bool = False) -> "Contents":
        """Let all clean crops count alike.

        Args:
            names: of the measures, ``[k]``.
            measures: ``[M, k]``.
            have_blocks: whether the images have blocks of their own, from an earlier compression.
        """
        spoiled = tuple(place for place, name in enumerate(names) if have_blocks and "blocks_" in name)
        return cls(tuple(names), measures, natural_covariance(tuple(names)), np.ones(len(measures)), spoiled)

    @property
    def mean(self) -> np.ndarray:
        """Mean measures, ``[k]``."""
        return self.weights @ self.measures / len(self.measures)

    @property
    def effective(self) -> float:
        """How many crops of equal weight know as much as these."""
        return _effective(self.weights)

    @cached_property
    def covariance(self) -> np.ndarray:
        """The covariance of such measures from image to image, ``[k, k]``: the clean ones' and natural images'."""
        count, size = self.effective, self.measures.shape[1]
        deviations = np.sqrt(self.weights / self.weights.sum())[:, None] * (self.measures - self.mean)
        own = deviations.T @ deviations * (count**2 / max(1.0, count - 1))
        return (own + size * self.natural) / (count + size)

    def resembling(self, mean: np.ndarray) -> "Contents":
        """Return the crops with weights that bring the mean of the `COARSE` measures towards that of `mean`, ``[k]``.

        Fewer crops count then. As many do as `LEAST_EFFECTIVE` and `FEWEST` say, so the mean may not be reached.
        """
        places = [self.names.index(name) for name in COARSE if name in self.names]
        chosen = self.measures[:, places]
        scale = chosen.std(axis=0) + 1e-9
        values = (chosen - chosen.mean(axis=0)) / scale
        covariance = values.T @ values / len(values) + RIDGE * np.eye(len(places))
        tilt = values @ np.linalg.solve(covariance, (mean[places] - chosen.mean(axis=0)) / scale)
        least = max(LEAST_EFFECTIVE * len(values), min(FEWEST, len(values)))
        for part in range(_TILTS, 0, -1):
            exponents = part / _TILTS * tilt
            weights = np.exp(exponents - exponents.max())
            if _effective(weights) >= least:
                return replace(self, weights=weights / weights.mean())
        return replace(self, weights=np.ones(len(values)))


def _effective(weights: np.ndarray) -> float:
    """Return how many crops of equal weight know as much as crops with these weights, ``[M]`` (Kish 1965)."""
    return float(weights.sum() ** 2 / np.square(weights).sum())


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
