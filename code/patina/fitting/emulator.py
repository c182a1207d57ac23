"""What a recipe's numbers do to a photo's measures, learned from synthesis; and the numbers that explain measures.

Near a centre c, a picture that was degraded with the unit values u measures m = a + B (u - c) + Q (u - c)² + e.
e is what the pictures show: it has the covariance C and is the same for clean and for real pictures, so it is the
weight that a difference of measures has (generalised least squares).

Clean pictures are measured before they are degraded, too. That tells most of their e, which is g (z - mean z) + r with
the measure z before, so that a few samples are enough to learn B and Q (control variates). They also give C:
C = diag(g) cov(z) diag(g) + cov(r), with z's covariance from `patina.fitting.contents`. What the photos' mean measures
differ by from the predicted ones, in turn, tells about their contents: z differs by cov(z) diag(g) C^-1 (difference).

Samples that were made for an earlier centre still count, the less the further they lie from the present one: errors in
B, summed over all measures, else pass for information, and the numbers move too little.

How sure an emulator may be is found by cross-validation: for degraded pictures whose clean ones it has not seen, the
unit values are known. With few clean pictures it errs by several times the error that it believes in.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np

from patina.fitting.contents import Contents

SHRINK = 4.0
"""The covariance of r is shrunk towards its diagonal by the fraction k / (k + SHRINK N) for k measures and N samples:
little where samples are many (in the spirit of Ledoit and Wolf 2004)."""

RIDGE_LINEAR, RIDGE_SQUARE = 4e-4, 0.02
"""Penalties of B and Q for each sample; unit values differ by about 0.1 to 0.3."""

_CONTENT_STEPS = 4
_EM_STEPS, _NEWTON_STEPS = 15, 6
_LARGEST_STEP = 0.25
_FOLDS = 5
_LEAST_WIDTH = 1e-3
_SMALLEST_SPREAD = 0.02
_SMALLEST_REACH, _REACH = 0.15, 2.0
"""How far the mean may move: so many times the spread, since the samples lie no further apart; the spread counts as at
least the first number."""

WIDEST_MEAN, WIDEST_SPREAD = 0.5, 0.29
"""Of the uniform distribution over [0, 1], which is what is believed where the photos tell nothing."""

_KNOWN_STD = 1e-3

_MOST_ODDS = 3.0
"""How much more often than it was drawn a crop may count, so that single samples do not dominate."""

_FORGET = 0.1
"""How fast a sample's weight falls with its squared distance, in variances of the latest samples."""


@dataclass(frozen=True)
class DegradedSamples:
    """Degraded clean pictures.

    Attributes:
        units: ``[N, d]`` unit values.
        measures: ``[N, k]`` of a picture degraded with each.
        crops: ``[N]``, which clean crops these pictures were, as in `Contents.measures`.
        drawn: ``[N]``, the crops' weights when they were drawn, see `Contents.weights`.
    """

    units: np.ndarray
    measures: np.ndarray
    crops: np.ndarray
    drawn: np.ndarray

    def weights(self, centre: np.ndarray, width: np.ndarray, contents: Contents) -> np.ndarray:
        """Return how much each sample counts, ``[N]``: fully if it is near, and as often as its crop is to be drawn.

        Args:
            centre, width: ``[d]``, of samples that count about fully.
            contents: the crops, as they count now.
        """
        distance = np.square((self.units - centre) / width).sum(axis=1)
        odds = contents.weights[self.crops] / self.drawn
        return np.exp(-_FORGET * (distance - len(centre)).clip(0)) * odds.clip(0, _MOST_ODDS)

    @classmethod
    def joined(cls, samples: Sequence["DegradedSamples"]) -> "DegradedSamples":
        """Return all samples together."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in samples]) for field in fields(cls)))


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
        content: cov(z) diag(g), the covariance of the measures z before and e, ``[k, k]``.
        crops: how many clean crops of equal weight know as much as those that it was learned from.
        confidence: in (0, 1], the factor of the information that a photo's measures hold about its unit values.
    """

    centre: np.ndarray
    mean: np.ndarray
    linear: np.ndarray
    square: np.ndarray
    square_mean: np.ndarray
    precision: np.ndarray
    deviation: np.ndarray
    content: np.ndarray
    crops: float
    confidence: float = 1.0

    @classmethod
    def learn(cls, rounds: Sequence[DegradedSamples], contents: Contents, centre: np.ndarray) -> "Emulator":
        """Learn from samples.

        Args:
            rounds: samples around earlier centres, and last around this one.
            contents: measures z of all clean crops, how much z varies, and how much every crop counts.
            centre: ``[d]``.
        """
        samples = DegradedSamples.joined(rounds)
        width = np.sqrt(np.square(rounds[-1].units - centre).mean(axis=0)) + _LEAST_WIDTH
        weights = samples.weights(centre, width, contents)
        seen, content = np.unique(samples.crops, return_inverse=True)
        folds = (content if len(seen) > 1 else np.arange(len(weights))) % _FOLDS
        errors = np.zeros(len(weights))
        for fold in set(folds):
            unseen = folds == fold
            others = cls._regress(samples, np.where(unseen, 0.0, weights), contents, centre)
            errors[unseen] = others._errors(samples.units[unseen], samples.measures[unseen])
        error = float(weights @ errors / weights.sum())
        return replace(cls._regress(samples, weights, contents, centre), confidence=1 / max(1.0, error))

    @classmethod
    def _regress(
        cls, samples: DegradedSamples, weights: np.ndarray, contents: Contents, centre: np.ndarray
    ) -> "Emulator":
        """Find a, B, Q and C by weighted ridge regression."""
        size = len(centre)
        count, root = weights.sum(), np.sqrt(weights)[:, None]
        offsets = samples.units - centre
        square_mean = weights @ np.square(offsets) / count
        design = root * np.concatenate([np.ones_like(root), offsets, np.square(offsets) - square_mean], axis=1)
        measures = root * samples.measures
        shown = root * (contents.measures[samples.crops] - contents.mean)
        penalty = count * np.concatenate([[0.0], np.full(size, RIDGE_LINEAR), np.full(size, RIDGE_SQUARE)])
        inverse = np.linalg.inv(design.T @ design + np.diag(penalty))
        factor = np.zeros(measures.shape[1])
        for _ in range(_CONTENT_STEPS):  # B and Q by the units, g by the rest, in turn
            found = inverse @ (design.T @ (measures - factor * shown))
            rest = measures - design @ found
            factor = (rest * shown).sum(axis=0) / (np.square(shown).sum(axis=0) + 1e-9)
        rest -= factor * shown
        covariance = rest.T @ rest / max(1.0, count - len(found))
        diagonal = np.diag(covariance) + 1e-4
        shrink = len(diagonal) / (len(diagonal) + SHRINK * count)
        content = contents.covariance * factor
        covariance = (1 - shrink) * covariance + shrink * np.diag(diagonal) + factor[:, None] * content
        linear, square = found[1 : 1 + size].T, found[1 + size :].T
        deviation = np.sqrt(np.diag(covariance))
        precision = np.linalg.inv(covariance)
        return cls(centre, found[0], linear, square, square_mean, precision, deviation, content, contents.effective)

    def _errors(self, units: np.ndarray, measures: np.ndarray) -> np.ndarray:
        """Return how far unit values read from measures lie from the true ones, ``[N]``.

        With the slopes B, the precision P and the information A = B' P B, the error is A^-1 B' P (m - predict(u)).
        Its square, weighted by A, is d on average where the emulator is as sure as it may be. It is divided by d.
        """
        information, pull = self.told_by(measures, units)
        information = information + np.eye(units.shape[1])
        return (pull * np.linalg.solve(information, pull[..., None])[..., 0]).mean(axis=1)

    def contents_of(self, difference: np.ndarray) -> np.ndarray:
        """Return by how much the measures z differ where mean measures differ from predicted ones so much, ``[k]``."""
        return self.content @ (self.precision @ difference)

    def predict(self, units: np.ndarray) -> np.ndarray:
        """Return the expected measures ``[N, k]`` of unit values ``[N, d]``."""
        offsets = units - self.centre
        return self.mean + offsets @ self.linear.T + (np.square(offsets) - self.square_mean) @ self.square.T

    @cached_property
    def _products(self) -> tuple[np.ndarray, np.ndarray]:
        """[B 2Q]' P, ``[2d, k]``, and [B 2Q]' P [B 2Q], ``[2d, 2d]``: what all photos' information consists of."""
        both = np.concatenate([self.linear, 2 * self.square], axis=1)
        weighted = self.confidence * both.T @ self.precision
        return weighted, weighted @ both

    def told_by(self, measures: np.ndarray, units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what measures ``[N, k]`` tell about unit values, seen from the unit values ``[N, d]``.

        Returns:
            The information B' P B, ``[N, d, d]``, and the gradient B' P (m - predict(u)) of the log-likelihood,
            ``[N, d]``, with the slopes B and the precision P; both times the confidence.
        """
        size, offsets = len(self.centre), units - self.centre
        weighted, products = self._products
        # The slopes are B + 2 Q diag(u - c): every photo's information is the products' four quarters, scaled.
        top, bottom = products[:size, :size], products[size:, size:]
        mixed = products[:size, size:] * offsets[:, None, :]
        information = top + mixed + mixed.transpose(0, 2, 1) + offsets[:, :, None] * bottom * offsets[:, None, :]
        pulls = (measures - self.predict(units)) @ weighted.T
        return information, pulls[:, :size] + offsets * pulls[:, size:]


@dataclass(frozen=True)
class Population:
    """Unit values of photos.

    Attributes:
        units: ``[n, d]``, of each photo.
        variance: ``[n, d]``, how uncertain they are.
        mean, spread: ``[d]``, of the photos' true unit values.
        error: ``[d]``, standard error of the mean, whatever the other means are; with n photos and M clean crops,
            whose contents both add to it, its square is 1 + n / M times what the photos alone would give.
        detail: ``[d]``, the change of one unit value that a photo's measures tell from chance.
    """

    units: np.ndarray
    variance: np.ndarray
    mean: np.ndarray
    spread: np.ndarray
    error: np.ndarray
    detail: np.ndarray


def explain(
    emulator: Emulator,
    measures: np.ndarray,
    known: np.ndarray,
    begun: Population,
    believed: np.ndarray | float = WIDEST_MEAN,
    trust: float = 1.0,
) -> Population:
    """Find the unit values of photos and their population: u ~ N(mean, spread²), m ~ N(predict(u), C).

    The spread follows by expectation maximisation. The mean does not: where the spread is small, that would move it by
    a small part of the way at each step. It takes Newton steps on the likelihood of the measures instead.

    Args:
        emulator: of the recipe.
        measures: ``[n, k]`` of the photos.
        known: ``[n, d]`` unit values that files tell; NaN where they do not.
        begun: the population to begin with; its mean and spread are used.
        believed: ``[d]`` or one number, the mean where the photos tell nothing.
        trust: in the emulator; with less of it the mean moves less.
    """
    is_known = np.isfinite(known)
    mean, spread = begun.mean, begun.spread
    reach = trust * _REACH * np.maximum(spread, _SMALLEST_REACH)
    for _ in range(_EM_STEPS):
        prior_mean = np.where(is_known, known, mean)
        prior_precision = 1 / np.where(is_known, _KNOWN_STD, spread) ** 2
        units, information = _most_likely(emulator, measures, prior_mean, prior_precision)
        posterior = np.linalg.inv(information + _diagonals(prior_precision))
        variance = posterior[:, np.arange(len(mean)), np.arange(len(mean))]
        # The measures' likelihood with u integrated out has the gradient S^-1 (u - mean) and the curvature
        # A - A (A + S^-1)^-1 A in the mean, with S = spread² and the information A = B' C^-1 B (Woodbury).
        marginal = information - information @ posterior @ information
        curvature = np.where(is_known[:, :, None] | is_known[:, None, :], 0.0, marginal)
        curvature += _diagonals(np.where(is_known, 1 / spread**2, 0.0))
        gradient = ((units - mean) / spread**2).sum(axis=0) + (believed - mean) / WIDEST_SPREAD**2
        covariance = np.linalg.inv(curvature.sum(axis=0) + np.eye(len(mean)) / WIDEST_SPREAD**2)
        step = covariance @ gradient
        mean = mean + step.clip(-_LARGEST_STEP, _LARGEST_STEP)
        mean = mean.clip(begun.mean - reach, begun.mean + reach).clip(0, 1)
        spread = np.sqrt(units.var(axis=0) + variance.mean(axis=0)).clip(_SMALLEST_SPREAD)
    detail = 1 / np.sqrt(np.diagonal(information, axis1=1, axis2=2).mean(axis=0) + 1e-9)
    told = curvature.sum(axis=0) / (1 + len(measures) / emulator.crops)
    error = np.sqrt(np.diag(np.linalg.inv(told + np.eye(len(mean)) / WIDEST_SPREAD**2)))
    return Population(units, variance, mean, spread, error, detail)


def _most_likely(
    emulator: Emulator, measures: np.ndarray, prior_mean: np.ndarray, prior_precision: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return each photo's most likely unit values and what the measures tell about them, by Gauss-Newton steps.

    Returns:
        ``[n, d]``, and ``[n, d, d]``, the inverse covariance of the unit values by the measures alone.
    """
    units = prior_mean.copy()
    for _ in range(_NEWTON_STEPS):
        information, pull = emulator.told_by(measures, units)
        gradient = pull + (prior_mean - units) * prior_precision
        step = np.linalg.solve(information + _diagonals(prior_precision), gradient[..., None])[..., 0]
        units = (units + step.clip(-_LARGEST_STEP, _LARGEST_STEP)).clip(0, 1)
        if np.abs(step).max() < 1e-3:
            break
    return units, information


def _diagonals(values: np.ndarray) -> np.ndarray:
    """Return ``[n, d]`` as diagonal matrices ``[n, d, d]``."""
    return values[:, :, None] * np.eye(values.shape[1])
