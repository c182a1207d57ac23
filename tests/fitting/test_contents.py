"""What contents alone can make different is no degradation."""

import numpy as np
import pytest
import skimage.data

from patina.fitting.contents import FACTORS, Contents, NaturalContents, natural_covariance
from patina.fitting.emulator import DegradedSamples, Emulator, Population, explain
from patina.fitting.measures import crops_of, measure

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
    samples = DegradedSamples(units, units * slope + shown + 0.02 * rng.standard_normal((300, 30)), shown)
    photos = 0.5 * slope + 0.8 * direction + 0.1 * rng.standard_normal((40, 30))
    begun = Population(np.empty((0, 1)), np.empty((0, 1)), *[np.array([value]) for value in (0.5, 0.1, 0.1, 0.1)])
    errors = []
    for covariance in (np.cov(clean.T), np.outer(direction, direction) + 0.01 * np.eye(30)):
        emulator = Emulator.learn([samples], Contents(clean, covariance), np.array([0.5]))
        found = explain(emulator, photos, np.full((40, 1), np.nan), begun)
        errors.append(abs(found.mean[0] - 0.5))
    assert errors[1] < 0.02
    assert errors[0] > 3 * errors[1]
