"""What a recipe's numbers do to a photo's measures, learned from synthesis; and the numbers that explain measures.

Near a centre c, a picture that was degraded with the unit values u measures m = a + B (u - c) + Q (u - c)² + e.
e is what the pictures show: it has the covariance C and is the same for clean and for real pictures, so it is the
weight that a difference of measures has (generalised least squares).

Clean pictures are measured before they are degraded, too. That tells most of their e, which is g (z - mean z) + r with
the measure z before, so that a few samples are enough to learn B and Q (control variates).
"""

from dataclasses import dataclass

import numpy as np

SHRINK = 4.0
"""The covariance of e is shrunk towards its diagonal by the fraction k / (k + SHRINK N) for k measures and N samples:
little where samples are many (in the spirit of Ledoit and Wolf 2004)."""

RIDGE_LINEAR, RIDGE_SQUARE = 4e-4, 0.02
"""Penalties of B and Q for each sample; unit values differ by about 0.1 to 0.3."""

_CONTENT_STEPS = 4
_EM_STEPS, _NEWTON_STEPS = 15, 6
_LARGEST_STEP = 0.25
_SMALLEST_SPREAD = 0.02


@dataclass(frozen=True)
class Emulator:
    """Measures as a function of unit values near a centre.

    Attributes:
        centre: ``[d]`` unit values.
        mean: ``[k]`` measures there, less the squares' mean.
        linear, square: B and Q, ``[k, d]``.
        square_mean: mean of (u - c)² over the samples, ``[d]``.
        precision: inverse of the covariance of e, ``[k, k]``.
        deviation: square root of the diagonal of that covariance, ``[k]``.
    """

    centre: np.ndarray
    mean: np.ndarray
    linear: np.ndarray
    square: np.ndarray
    square_mean: np.ndarray
    precision: np.ndarray
    deviation: np.ndarray

    @classmethod
    def learn(
        cls, units: np.ndarray, measures: np.ndarray, before: np.ndarray, contents: np.ndarray, centre: np.ndarray
    ) -> "Emulator":
        """Learn from samples.

        Args:
            units: ``[N, d]`` unit values.
            measures: ``[N, k]`` of a picture degraded with each.
            before: ``[N, k]``, measures z of these pictures before.
            contents: ``[M, k]``, measures z of all clean pictures.
            centre: ``[d]``.
        """
        count, size = units.shape
        offsets = units - centre
        square_mean = np.square(offsets).mean(axis=0)
        design = np.concatenate([np.ones((count, 1)), offsets, np.square(offsets) - square_mean], axis=1)
        penalty = count * np.concatenate([[0.0], np.full(size, RIDGE_LINEAR), np.full(size, RIDGE_SQUARE)])
        inverse = np.linalg.inv(design.T @ design + np.diag(penalty))
        shown = before - contents.mean(axis=0)
        factor = np.zeros(measures.shape[1])
        for _ in range(_CONTENT_STEPS):  # B and Q by the units, g by the rest, in turn
            weights = inverse @ (design.T @ (measures - factor * shown))
            rest = measures - design @ weights
            factor = (rest * shown).sum(axis=0) / (np.square(shown).sum(axis=0) + 1e-9)
        covariance = rest.T @ rest / max(1, count - len(weights))
        diagonal = np.diag(covariance) + 1e-4
        shrink = len(diagonal) / (len(diagonal) + SHRINK * count)
        shrunk = (1 - shrink) * covariance + shrink * np.diag(diagonal)
        linear, square = weights[1 : 1 + size].T, weights[1 + size :].T
        return cls(centre, weights[0], linear, square, square_mean, np.linalg.inv(shrunk), np.sqrt(diagonal))

    def predict(self, units: np.ndarray) -> np.ndarray:
        """Return the expected measures ``[N, k]`` of unit values ``[N, d]``."""
        offsets = units - self.centre
        return self.mean + offsets @ self.linear.T + (np.square(offsets) - self.square_mean) @ self.square.T

    def slopes(self, units: np.ndarray) -> np.ndarray:
        """Return the derivatives of `predict`, ``[N, k, d]``."""
        return self.linear + 2 * self.square * (units - self.centre)[:, None, :]


@dataclass(frozen=True)
class Population:
    """Unit values of a set of photos.

    Attributes:
        units: ``[n, d]``, of each photo.
        variance: ``[n, d]``, how uncertain they are.
        mean, spread: ``[d]``, of the photos' true unit values.
    """

    units: np.ndarray
    variance: np.ndarray
    mean: np.ndarray
    spread: np.ndarray


def explain(
    emulator: Emulator, measures: np.ndarray, known: np.ndarray, mean: np.ndarray, spread: np.ndarray
) -> Population:
    """Find the unit values of photos by expectation maximisation: u ~ N(mean, spread²), m ~ N(predict(u), C).

    Args:
        emulator: of the recipe.
        measures: ``[n, k]`` of the photos.
        known: ``[n, d]`` unit values that files tell; NaN where they do not.
        mean, spread: ``[d]``, to begin with.
    """
    is_known = np.isfinite(known)
    for _ in range(_EM_STEPS):
        prior_mean = np.where(is_known, known, mean)
        prior_precision = 1 / np.where(is_known, 1e-3, spread) ** 2
        units, variance = _most_likely(emulator, measures, prior_mean, prior_precision)
        mean = units.mean(axis=0).clip(0, 1)
        spread = np.sqrt(np.square(units - mean).mean(axis=0) + variance.mean(axis=0)).clip(_SMALLEST_SPREAD)
    return Population(units, variance, mean, spread)


def _most_likely(
    emulator: Emulator, measures: np.ndarray, prior_mean: np.ndarray, prior_precision: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return each photo's most likely unit values and their variances, by Gauss-Newton steps."""
    units = prior_mean.copy()
    for _ in range(_NEWTON_STEPS):
        slopes = emulator.slopes(units)
        weighted = np.einsum("nkd,kl->ndl", slopes, emulator.precision)
        curvature = weighted @ slopes
        curvature[:, np.arange(units.shape[1]), np.arange(units.shape[1])] += prior_precision
        rest = measures - emulator.predict(units)
        gradient = np.einsum("ndl,nl->nd", weighted, rest) + (prior_mean - units) * prior_precision
        step = np.linalg.solve(curvature, gradient[..., None])[..., 0].clip(-_LARGEST_STEP, _LARGEST_STEP)
        units = (units + step).clip(0, 1)
        if np.abs(step).max() < 1e-3:
            break
    return units, np.linalg.inv(curvature)[:, np.arange(units.shape[1]), np.arange(units.shape[1])]
