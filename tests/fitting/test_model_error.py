"""The error of a family: found where it is there, 0 where chance explains the difference."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from patina.fitting.emulator import Emulator
from patina.fitting.model_error import doubted, model_error
from patina.fitting.population import WIDEST_SPREAD, Population, explain

SIZE, FREE, CHANCE = 60, 5, 0.03


def emulator(rng: np.random.Generator) -> Emulator:
    """Return an emulator of correlated measures, some of which hardly vary in combination."""
    factors = rng.standard_normal((SIZE, 8))
    covariance = factors @ factors.T + 0.005 * np.eye(SIZE)
    linear = 3 * rng.standard_normal((SIZE, FREE))
    zeros, deviation = np.zeros((SIZE, FREE)), np.sqrt(np.diag(covariance))
    return Emulator(
        np.full(FREE, 0.5), np.zeros(SIZE), linear, zeros, np.zeros(FREE), np.linalg.inv(covariance), deviation,
        np.zeros((SIZE, SIZE)), 50.0,
    )  # fmt: skip


def begun() -> Population:
    """Return a population that nothing is known of."""
    units, spread = np.full((1, FREE), 0.5), np.full(FREE, WIDEST_SPREAD)
    return Population(units, np.zeros_like(units), units[0], spread, spread, spread)


def difference(model: Emulator, error: float, rng: np.random.Generator) -> np.ndarray:
    """Draw the mean difference that a family of this error leaves, its numbers being off by 0.1."""
    chance = np.linalg.cholesky(CHANCE * np.linalg.inv(model.precision)) @ rng.standard_normal(SIZE)
    return (
        model.linear @ (0.1 * rng.standard_normal(FREE)) + chance + error * model.deviation * rng.standard_normal(SIZE)
    )


@pytest.mark.parametrize("error", [0.0, 0.05, 0.3])
def test_the_planted_error_is_found(error):
    rng = np.random.default_rng(0)
    found = [model_error(model := emulator(rng), difference(model, error, rng), CHANCE) for _ in range(20)]
    assert np.median(found) == pytest.approx(error, rel=0.25)


def test_a_family_without_error_keeps_its_precision():
    rng = np.random.default_rng(0)
    model = emulator(rng)
    assert doubted(model, difference(model, 0.0, rng), CHANCE) is model


def test_a_wrong_family_bends_the_numbers_less_if_its_error_is_known():
    rng, off, off_doubted = np.random.default_rng(0), [], []
    for _ in range(30):
        model = emulator(rng)
        truth = rng.uniform(0.4, 0.6, FREE)
        wrong = 0.3 * model.deviation * rng.standard_normal(SIZE)
        photos = model.predict(np.tile(truth, (20, 1))) + wrong
        photos += rng.standard_normal((20, SIZE)) @ np.linalg.cholesky(np.linalg.inv(model.precision)).T
        known = np.full((20, FREE), np.nan)
        fair = doubted(model, photos.mean(axis=0) - model.predict(np.full((1, FREE), 0.5))[0], 1 / 20)
        off.append(np.abs(explain(model, photos, known, begun()).mean - truth).mean())
        off_doubted.append(np.abs(explain(fair, photos, known, begun()).mean - truth).mean())
    assert np.mean(off_doubted) < 0.9 * np.mean(off)


def test_doubt_adds_to_the_variances():
    model = emulator(np.random.default_rng(0))
    added = np.linspace(0, 1, SIZE)
    covariance = np.linalg.inv(model.with_variance(added).precision)
    assert_allclose(covariance, np.linalg.inv(model.precision) + np.diag(added), atol=1e-8)
    assert_allclose(replace(model.with_variance(added), precision=model.precision).linear, model.linear)
