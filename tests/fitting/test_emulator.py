"""Finding numbers from measures, where the truth is a known function."""

from dataclasses import replace

import numpy as np
import pytest

from patina.fitting.contents import Contents
from patina.fitting.emulator import DegradedSamples, Emulator
from patina.fitting.population import Population, explain


def world(units: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Measure pictures after and before: three numbers act on twelve measures, two of them squared.

    Content is correlated between measures; a part of it shows before, too.
    """
    slopes = np.random.default_rng(1).normal(0, 2, (3, 12))
    slopes[2] = 0  # the third number changes nothing
    bends = np.random.default_rng(2).normal(0, 0.5, (3, 12)) * [[1], [1], [0]]
    mixing = np.random.default_rng(3).normal(0, 0.15, (12, 12))
    shown, hidden = (rng.standard_normal((len(units), 12)) @ mixing for _ in range(2))
    return 1 + units @ slopes + np.square(units) @ bends + 0.9 * shown + 0.4 * hidden, 3 + shown


def varying(before: np.ndarray) -> Contents:
    """Return clean pictures that are as different as these."""
    return Contents((), before, np.atleast_2d(np.cov(before.T)), np.ones(len(before)))


def samples(units: np.ndarray, measures: np.ndarray, crops: np.ndarray | None = None) -> DegradedSamples:
    """Return samples of a crop each, or of the given ones, which all count alike."""
    return DegradedSamples(units, measures, np.arange(len(units)) if crops is None else crops, np.ones(len(units)))


def learned(units: np.ndarray, rng: np.random.Generator) -> Emulator:
    """Learn from pictures of the world."""
    measures, before = world(units, rng)
    return Emulator.learn([samples(units, measures)], varying(before), np.full(3, 0.5))


def start(spread: float) -> Population:
    """Return a population around the middle."""
    return Population(np.empty((0, 3)), np.empty((0, 3)), np.full(3, 0.5), *[np.full(3, spread)] * 3)


@pytest.fixture
def found():
    rng = np.random.default_rng(0)
    units = rng.uniform(0, 1, (400, 3))
    emulator = learned(units, rng)
    true = np.clip(rng.normal([0.3, 0.7, 0.5], [0.1, 0.05, 0.1], (60, 3)), 0, 1)
    known = np.full((60, 3), np.nan)
    return emulator, true, explain(emulator, world(true, rng)[0], known, start(0.29))


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
    emulator = learned(units, rng)
    true = np.full((20, 3), [0.4, 0.6, 0.9])
    known = np.full((20, 3), np.nan)
    known[:, 2] = 0.9
    population = explain(emulator, world(true, rng)[0], known, start(0.29))
    assert population.units[:, 2] == pytest.approx(0.9, abs=0.01)


def test_information_and_pull_follow_from_the_slopes_of_predictions(found):
    emulator = found[0]
    place, step = np.array([[0.4, 0.3, 0.6], [0.2, 0.9, 0.1]]), 1e-6
    measures = emulator.predict(np.array([[0.5, 0.2, 0.7], [0.3, 0.8, 0.2]]))
    information, pull = emulator.told_by(measures, place)
    for photo in (0, 1):
        moved = place[photo] + step * np.eye(3)
        slopes = (emulator.predict(moved) - emulator.predict(place[photo])).T / step
        weighted = emulator.confidence * slopes.T @ emulator.precision
        assert information[photo] == pytest.approx(weighted @ slopes, rel=1e-3, abs=1e-3)
        assert pull[photo] == pytest.approx(weighted @ (measures - emulator.predict(place))[photo], rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("contents", [4, 400])
def test_an_emulator_of_few_contents_says_how_little_it_knows(contents):
    """The claimed uncertainty is about the error on pictures that it has not seen, however few it has seen."""
    claims, errors, confidences = [], [], []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        _, before = world(np.zeros((contents, 3)), rng)
        units, seen = rng.uniform(0.3, 0.7, (400, 3)), np.arange(400) % contents
        slopes = np.random.default_rng(1).normal(0, 2, (3, 12)) * [[1], [1], [0]]
        hidden = rng.standard_normal((contents, 12)) @ np.random.default_rng(3).normal(0, 0.15, (12, 12))
        measures = units @ slopes + (before + hidden)[seen] + 0.02 * rng.standard_normal((400, 12))
        emulator = Emulator.learn([samples(units, measures, seen)], varying(before), np.full(3, 0.5))
        true, (photos, _) = np.full((200, 3), 0.5), world(np.zeros((200, 3)), rng)
        shown = rng.standard_normal((200, 12)) @ np.random.default_rng(3).normal(0, 0.15, (12, 12))
        photos = photos + shown + true @ slopes + 2
        found = explain(emulator, photos, np.full((200, 3), np.nan), start(0.29))
        errors.append(np.square(found.units - true)[:, :2].mean())
        claims.append(found.variance[:, :2].mean())
        confidences.append(emulator.confidence)
    if contents == 400:
        assert np.mean(confidences) > 0.8
    else:
        assert np.mean(confidences) < 0.4
    assert np.mean(errors) < 3 * np.mean(claims)


def test_measures_before_make_slopes_surer_and_leave_the_covariance():
    rng = np.random.default_rng(8)
    true = np.random.default_rng(1).normal(0, 2, (3, 12))[0] + np.random.default_rng(2).normal(0, 0.5, (3, 12))[0]
    errors, deviations = {True: [], False: []}, {True: [], False: []}
    for _ in range(20):
        units = rng.uniform(0, 1, (60, 3))
        measures, before = world(units, rng)
        for is_known in (True, False):
            shown = before if is_known else np.full_like(before, 3.0)
            emulator = Emulator.learn([samples(units, measures)], varying(shown), np.full(3, 0.5))
            errors[is_known].append(emulator.linear[:, 0] - true)
            deviations[is_known].append(emulator.deviation)
    assert np.std(errors[True]) < 0.7 * np.std(errors[False])
    assert np.mean(deviations[True]) == pytest.approx(np.mean(deviations[False]), rel=0.05)


def test_the_mean_goes_all_the_way_however_small_the_spread():
    rng = np.random.default_rng(6)
    emulator = learned(rng.uniform(0, 1, (400, 3)), rng)
    photos = world(np.full((60, 3), [0.3, 0.7, 0.5]), rng)[0]
    population = explain(emulator, photos, np.full((60, 3), np.nan), start(0.02))
    assert population.mean[:2] == pytest.approx([0.3, 0.7], abs=0.03)


def test_earlier_samples_make_slopes_surer_the_more_the_nearer_they_are():
    rng, centre = np.random.default_rng(9), np.full(3, 0.5)
    errors = {"alone": [], "near": [], "far": []}
    for _ in range(20):
        latest, near, far = (rng.normal(middle, 0.06, (60, 3)) for middle in (0.5, 0.5, 0.9))
        measures, before = world(latest, rng)
        for name, earlier in {"alone": [], "near": [near], "far": [far]}.items():
            made = [world(units, rng) for units in earlier]
            shown = np.concatenate([before, *(shown for _, shown in made)])
            rounds = [samples(u, m, 60 + np.arange(60)) for u, (m, _) in zip(earlier, made, strict=True)]
            emulator = Emulator.learn([*rounds, samples(latest, measures)], varying(shown), centre)
            errors[name].append(emulator.linear[:, 0])
    assert np.std(errors["near"], axis=0).mean() < 0.85 * np.std(errors["alone"], axis=0).mean()
    far, alone = (np.std(errors[name], axis=0).mean() for name in ("far", "alone"))
    assert far == pytest.approx(alone, rel=0.1)


def test_the_error_of_the_mean_is_how_far_it_lies_from_the_true_one():
    rng = np.random.default_rng(8)
    emulator = learned(rng.uniform(0, 1, (2000, 3)), rng)
    off, told = [], []
    for _ in range(40):
        true = np.clip(rng.normal([0.3, 0.7, 0.5], 0.1, (20, 3)), 0, 1)
        population = explain(emulator, world(true, rng)[0], np.full((20, 3), np.nan), start(0.29))
        off.append(population.mean - [0.3, 0.7, 0.5])
        told.append(population.error)
    assert np.std(off, axis=0)[:2] == pytest.approx(np.mean(told, axis=0)[:2], rel=0.35)
    assert np.mean(told, axis=0)[2] > 0.2  # it has no effect


def test_numbers_of_like_effects_are_uncertain_though_either_alone_would_be_told():
    alike = Emulator(
        centre=np.full(2, 0.5),
        mean=np.zeros(2),
        linear=np.array([[1.0, 1.0], [0.001, -0.001]]),
        square=np.zeros((2, 2)),
        square_mean=np.zeros(2),
        precision=np.eye(2) / 0.01**2,
        deviation=np.full(2, 0.01),
        content=np.zeros((2, 2)),
        crops=1e9,
    )
    begun = Population(np.empty((0, 2)), np.empty((0, 2)), *[np.full(2, 0.5)] * 2, *[np.full(2, 0.29)] * 2)
    population = explain(alike, np.zeros((20, 2)), np.full((20, 2), np.nan), begun)
    assert population.detail.max() < 0.02
    assert population.error.min() > 0.15


@pytest.mark.parametrize("spread", [0.0, 0.15])
def test_the_error_of_the_mean_counts_the_contents_of_the_clean_crops(found, spread):
    """The clean crops' mean measures are off by chance; 30 draws of them, and of 100 photos, tell by how much."""
    emulator = replace(found[0], crops=8.0, confidence=1.0)
    rng, means, told, quality = np.random.default_rng(14), [], [], np.full((100, 3), np.nan)
    quality[:, 2] = rng.normal(0.5, 0.1, 100)  # told by files: contents do not matter
    for _ in range(30):
        true = np.clip(rng.normal([0.4, 0.6, 0.5], [spread, spread, 0], (100, 3)), 0, 1)
        shift = rng.multivariate_normal(np.zeros(12), np.linalg.inv(emulator.precision) / 8)
        population = explain(emulator, world(true, rng)[0] + shift, quality, start(0.29))
        means.append(population.mean - [0.4, 0.6, 0.5])
        told.append(population.error)
    assert np.mean(told, axis=0)[:2] == pytest.approx(np.std(means, axis=0)[:2], rel=0.35)
    assert np.mean(told, axis=0)[2] == pytest.approx(0.1 / np.sqrt(100), rel=0.2)


def test_crops_that_lie_evenly_apart_are_in_several_folds():
    """Samples of every fifth crop: an emulator still sees some and is tried on others."""
    rng = np.random.default_rng(13)
    units, crops = rng.uniform(0, 1, (60, 3)), 5 * np.arange(60)
    measures, before = world(units, rng)
    shown = np.zeros((300, 12))
    shown[crops] = before
    emulator = Emulator.learn([samples(units, measures, crops)], varying(shown), np.full(3, 0.5))
    assert 0 < emulator.confidence < 1


def test_what_is_not_explained_tells_how_contents_differ(found):
    emulator, true, population = found
    rng = np.random.default_rng(11)
    shift = rng.standard_normal(12) @ np.random.default_rng(3).normal(0, 0.15, (12, 12))
    photos = world(true, rng)[0] + 0.9 * shift
    again = explain(emulator, photos, np.full((60, 3), np.nan), start(0.29))
    found_shift = emulator.contents_of((photos - emulator.predict(again.units)).mean(axis=0))
    before = emulator.contents_of((photos - 0.9 * shift - emulator.predict(population.units)).mean(axis=0))
    assert np.corrcoef(found_shift - before, shift)[0, 1] > 0.7


def test_crops_count_as_often_as_they_are_to_be_drawn():
    rng = np.random.default_rng(12)
    units, crops = rng.uniform(0.4, 0.6, (200, 1)), np.arange(200) % 2
    measures = 5 * units + crops[:, None] * 2.0
    contents = Contents((), np.array([[0.0], [2.0]]), np.ones((1, 1)), np.array([0.5, 1.5]))
    evenly = DegradedSamples(units, measures, crops, np.ones(200))
    emulator = Emulator.learn([evenly], contents, np.array([0.5]))
    assert emulator.predict(np.array([[0.5]]))[0, 0] == pytest.approx(2.5 + 1.5, abs=0.02)


def test_spoiled_measures_move_no_number():
    rng = np.random.default_rng(0)
    units = rng.uniform(0, 1, (400, 3))
    measures, before = world(units, rng)
    photos = world(np.tile([0.3, 0.7, 0.5], (60, 1)), rng)[0]
    photos[:, [2, 5]] += 3.0
    means = []
    for spoiled in ((), (2, 5)):
        emulator = Emulator.learn(
            [samples(units, measures)], replace(varying(before), spoiled=spoiled), np.full(3, 0.5)
        )
        means.append(explain(emulator, photos, np.full((60, 3), np.nan), start(0.29)).mean[:2])
    assert np.abs(means[0] - [0.3, 0.7]).max() > 0.1
    assert means[1] == pytest.approx([0.3, 0.7], abs=0.03)
