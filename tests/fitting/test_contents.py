"""What contents alone can make different is no degradation."""

import numpy as np
import pytest
import skimage.data

from patina.fitting.contents import FACTORS, Contents, NaturalContents, natural_covariance
from patina.fitting.draws import weighted_crops
from patina.fitting.emulator import DegradedSamples, Emulator
from patina.fitting.measures import crops_of, measure
from patina.fitting.population import Population, explain

NAMES = tuple(measure(crops_of(skimage.data.astronaut()[:64, :64])))


def test_every_measure_has_its_place_in_the_natural_covariance():
    covariance = natural_covariance(NAMES)
    assert covariance.shape == (len(NAMES), len(NAMES))
    assert (np.diag(covariance) > 0).all()
    assert np.linalg.eigvalsh(covariance).min() > -1e-9
    turned = natural_covariance(NAMES[::-1])
    assert turned[::-1, ::-1] == pytest.approx(covariance)
    texture = [NAMES.index(name) for name in ("y.0x.q60", "y.0y.q60")]
    assert covariance[texture[0], texture[1]] > 0.5 * np.sqrt(np.prod(np.diag(covariance)[texture]))


def test_factors_and_rest_hold_a_covariance():
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(FACTORS - 5, 60)) * np.linspace(0.1, 10, 60)
    measures = 7 + rng.standard_normal((500, FACTORS - 5)) @ mixing + 0.01 * rng.standard_normal((500, 60))
    stored = NaturalContents.measured([f"m{number}" for number in range(60)], measures)
    found = np.float64(stored.factors) @ stored.factors.T + np.diag(stored.rest)
    wanted = np.cov(measures.T)
    deviation = np.sqrt(np.diag(wanted))
    assert np.abs((found - wanted) / deviation / deviation[:, None]).max() < 1e-3


@pytest.mark.parametrize(("count", "own"), [(2, 0.01), (20_000, 0.98)])
def test_few_images_are_joined_with_natural_ones(count, own):
    size, rng = len(NAMES), np.random.default_rng(1)
    measures = 30 * rng.standard_normal((count, size))
    joined = np.trace(Contents.of(NAMES, measures).covariance)
    mine, natural = np.trace(np.cov(measures.T)), np.trace(natural_covariance(NAMES))
    assert (joined - natural) / (mine - natural) == pytest.approx(own, abs=0.01)


def test_other_contents_do_not_move_the_numbers():
    """Photos whose contents differ from the clean ones' in a way that these hardly show among themselves."""
    rng = np.random.default_rng(2)
    slope, direction = rng.normal(0, 1, 30), rng.normal(0, 1, 30)
    clean = 0.05 * rng.standard_normal((25, 1)) * direction + 0.1 * rng.standard_normal((25, 30))
    units, shown = rng.uniform(0.2, 0.8, (300, 1)), clean[np.arange(300) % 25]
    measures = units * slope + shown + 0.02 * rng.standard_normal((300, 30))
    samples = DegradedSamples(units, measures, np.arange(300) % 25, np.ones(300))
    photos = 0.5 * slope + 0.8 * direction + 0.1 * rng.standard_normal((40, 30))
    begun = Population(np.empty((0, 1)), np.empty((0, 1)), *[np.array([value]) for value in (0.5, 0.1, 0.1, 0.1)])
    errors = []
    for covariance in (np.cov(clean.T), np.outer(direction, direction) + 0.01 * np.eye(30)):
        contents = Contents((), clean, covariance, np.ones(25))
        emulator = Emulator.learn([samples], contents, np.array([0.5]))
        found = explain(emulator, photos, np.full((40, 1), np.nan), begun)
        errors.append(abs(found.mean[0] - 0.5))
    assert errors[1] < 0.02
    assert errors[0] > 3 * errors[1]


def test_crops_that_resemble_the_photos_count_more():
    rng = np.random.default_rng(3)
    measures = rng.standard_normal((60, len(NAMES)))
    contents, place = Contents.of(NAMES, measures), NAMES.index("y.2x.q60")
    wanted = contents.mean.copy()
    wanted[place] += 0.4
    near = contents.resembling(wanted)
    assert near.mean[place] - contents.mean[place] == pytest.approx(0.4, rel=0.35)
    assert near.weights.mean() == pytest.approx(1)
    assert np.corrcoef(near.weights, measures[:, place])[0, 1] > 0.8
    assert contents.resembling(contents.mean).weights == pytest.approx(1)
    again = near.resembling(wanted)
    assert again.weights == pytest.approx(near.weights)


@pytest.mark.parametrize(("count", "least"), [(60, 18), (20, 12), (5, 4.99)])
def test_enough_crops_count_however_unlike_the_photos_are(count, least):
    contents = Contents.of(NAMES, np.random.default_rng(4).standard_normal((count, len(NAMES))))
    weights = contents.resembling(contents.mean + 20).weights
    assert least <= weights.sum() ** 2 / np.square(weights).sum() < count + 1e-6


def test_weighted_crops_are_drawn_as_often_as_they_count():
    rng, weights = np.random.default_rng(5), np.array([0.5, 2.0, 0.0, 1.5])
    counts = np.bincount(weighted_crops(rng, weights, 40), minlength=4)
    assert np.abs(counts - 10 * weights).max() <= 1
    assert counts[2] == 0


def test_blocks_of_compressed_clean_images_are_spoiled_measures():
    names = ("y.blocks_x", "y.zeros01", "b.shifted_blocks_y", "brightness")
    assert Contents.of(names, np.ones((3, 4)), have_blocks=True).spoiled == (0, 2)
    assert Contents.of(names, np.ones((3, 4))).spoiled == ()
