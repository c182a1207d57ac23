"""NumberFinding numbers from measures, where the truth is a known function."""

import numpy as np
import pytest

from patina.fitting.emulator import Emulator, explain


def world(units: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Measure pictures: three numbers act on twelve measures, two of them squared; content is correlated noise."""
    slopes = np.random.default_rng(1).normal(0, 2, (3, 12))
    slopes[2] = 0  # the third number changes nothing
    bends = np.random.default_rng(2).normal(0, 0.5, (3, 12)) * [[1], [1], [0]]
    content = rng.standard_normal((len(units), 12)) @ np.random.default_rng(3).normal(0, 0.15, (12, 12))
    return 1 + units @ slopes + np.square(units) @ bends + content


@pytest.fixture
def found():
    rng = np.random.default_rng(0)
    units = rng.uniform(0, 1, (400, 3))
    centre = np.full(3, 0.5)
    emulator = Emulator.learn(units, world(units, rng), centre)
    true = np.clip(rng.normal([0.3, 0.7, 0.5], [0.1, 0.05, 0.1], (60, 3)), 0, 1)
    known = np.full((60, 3), np.nan)
    return emulator, true, explain(emulator, world(true, rng), known, centre, np.full(3, 0.29))


def test_numbers_of_each_photo_and_of_all_are_found(found):
    _, true, population = found
    assert population.mean[:2] == pytest.approx(true.mean(axis=0)[:2], abs=0.02)
    assert population.spread[0] == pytest.approx(0.1, abs=0.03)
    errors = population.units - true
    assert np.sqrt(np.square(errors[:, :2]).mean()) < 0.06
    expected = np.sqrt(population.variance[:, :2].mean())
    assert np.sqrt(np.square(errors[:, :2]).mean()) == pytest.approx(expected, rel=0.4)


def test_a_number_without_effect_stays_undecided(found):
    _, _, population = found
    assert np.sqrt(population.variance[:, 2].mean()) > 0.2
    assert np.sqrt(population.variance[:, :2].mean()) < 0.08


def test_what_a_file_tells_is_taken_as_it_is():
    rng = np.random.default_rng(5)
    units = rng.uniform(0, 1, (300, 3))
    emulator = Emulator.learn(units, world(units, rng), np.full(3, 0.5))
    true = np.full((20, 3), [0.4, 0.6, 0.9])
    known = np.full((20, 3), np.nan)
    known[:, 2] = 0.9
    population = explain(emulator, world(true, rng), known, np.full(3, 0.5), np.full(3, 0.29))
    assert population.units[:, 2] == pytest.approx(0.9, abs=0.01)


def test_predictions_and_slopes_belong_together(found):
    emulator = found[0]
    place, step = np.array([[0.4, 0.3, 0.6]]), 1e-5
    for number in range(3):
        moved = place.copy()
        moved[0, number] += step
        numeric = (emulator.predict(moved) - emulator.predict(place)) / step
        assert numeric[0] == pytest.approx(emulator.slopes(place)[0, :, number], abs=1e-3)
