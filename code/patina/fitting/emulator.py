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
_FOLDS = 5
_LEAST_WIDTH = 1e-3
_MOST_ODDS = 3.0
"""How much more often than it was drawn a crop may count, so that single samples do not dominate."""

_SPOILED = 1e4
"""Factor of the variance of spoiled measures, which then hardly count."""

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
        covariance[contents.spoiled, contents.spoiled] *= _SPOILED  # on the diagonal
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

    def with_variance(self, variance: np.ndarray) -> "Emulator":
        """Return the same emulator, less sure of every measure by a variance, ``[k]``."""
        return replace(self, precision=np.linalg.inv(np.linalg.inv(self.precision) + np.diag(variance)))

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
