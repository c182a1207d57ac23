"""Measures that no numbers explain: they are set aside, at the least price, and bend no numbers."""

import numpy as np
import pytest

from patina.fitting.contents import Contents
from patina.fitting.emulator import DegradedSamples, Emulator
from patina.fitting.population import Population, explain
from patina.fitting.unexplained import THRESHOLD, explain_robustly, robust_misfit, unexplained

COUNT, PHOTOS = 60, 50
CHANCE = 1 / PHOTOS


@pytest.fixture
def precision():
    mixing = np.random.default_rng(0).normal(0, 0.05, (COUNT, COUNT)) + np.eye(COUNT)
    return np.linalg.inv(mixing @ mixing.T)


def by_chance(precision: np.ndarray, seed: int) -> np.ndarray:
    """Draw the difference of two means of like pictures."""
    root = np.linalg.cholesky(np.linalg.inv(precision))
    return np.sqrt(CHANCE) * root @ np.random.default_rng(seed).standard_normal(COUNT)


def test_what_chance_makes_is_explained(precision):
    for seed in range(20):
        difference = by_chance(precision, seed)
        assert not unexplained(difference, precision, CHANCE).any()
        expected = difference @ precision @ difference / COUNT
        assert robust_misfit(difference, precision, CHANCE) == pytest.approx(expected)


def test_planted_offsets_are_set_aside_and_cost_their_size(precision):
    difference = by_chance(precision, 1)
    difference[[3, 40]] += [5.0, -8.0]
    aside = unexplained(difference, precision, CHANCE)
    assert list(np.flatnonzero(np.abs(aside) > 0.5)) == [3, 40]
    assert aside[[3, 40]] == pytest.approx([5, -8], abs=1)
    doubled = difference.copy()
    doubled[40] -= 8
    growth = robust_misfit(doubled, precision, CHANCE) - robust_misfit(difference, precision, CHANCE)
    assert growth == pytest.approx(2 * THRESHOLD * np.sqrt(CHANCE * precision[40, 40]) * 8 / COUNT, rel=0.05)


def test_no_other_choice_is_cheaper(precision):
    difference = by_chance(precision, 2)
    difference[:10] += 3
    least, price = robust_misfit(difference, precision, CHANCE), THRESHOLD * np.sqrt(CHANCE * np.diag(precision))
    aside = unexplained(difference, precision, CHANCE)
    rng = np.random.default_rng(3)
    for size in (1e-3, 0.1, 1):
        for _ in range(50):
            other = aside + rng.normal(0, size, COUNT) * (rng.random(COUNT) < 0.2)
            rest = difference - other
            assert (rest @ precision @ rest + 2 * price @ np.abs(other)) / COUNT >= least - 1e-6


def test_offsets_that_no_number_explains_bend_no_number():
    rng = np.random.default_rng(0)
    slopes = rng.normal(0, 2, (2, COUNT))

    def measured(units: np.ndarray) -> np.ndarray:
        return units @ slopes + rng.normal(0, 0.5, (len(units), COUNT))

    units = rng.uniform(0, 1, (400, 2))
    samples = DegradedSamples(units, measured(units), np.arange(400), np.ones(400))
    nothing = Contents((), np.zeros((400, COUNT)), np.zeros((COUNT, COUNT)), np.ones(400))
    emulator = Emulator.learn([samples], nothing, np.full(2, 0.5))
    true = np.clip(rng.normal([0.3, 0.6], 0.05, (PHOTOS, 2)), 0, 1)
    photos = measured(true)
    photos[:, :6] += 4 * np.sign(slopes[0, :6])
    begun = Population(np.empty((0, 2)), np.empty((0, 2)), np.full(2, 0.5), *[np.full(2, 0.29)] * 3)
    known = np.full((PHOTOS, 2), np.nan)
    bent = explain(emulator, photos, known, begun)
    straight = explain_robustly(emulator, photos, known, begun, 0.5, 1.0, CHANCE)
    assert abs(bent.mean - true.mean(axis=0)).max() > 0.1
    assert straight.mean == pytest.approx(true.mean(axis=0), abs=0.03)
