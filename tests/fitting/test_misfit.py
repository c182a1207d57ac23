"""When a search ends: explained, settled, stalled, or far behind another family."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patina.fitting.misfit import GIVEN_UP, MisfitScale

MEASURES = 6
PHOTOS = np.random.default_rng(0).normal(size=(40, MEASURES))


@pytest.fixture
def scale() -> MisfitScale:
    return MisfitScale.of(PHOTOS, samples=112)


def moved(distance: float) -> np.ndarray:
    return PHOTOS.mean(axis=0) + distance


def test_photos_are_at_no_distance_from_themselves(scale):
    assert scale.misfit(PHOTOS.mean(axis=0), np.eye(MEASURES)) == 0
    assert scale.chance == pytest.approx(1 / 40 + 1 / 112)


@given(near=st.floats(0.001, 0.05), factor=st.floats(1.5, 20))
def test_the_misfit_grows_with_the_distance(near, factor):
    scale = MisfitScale.of(PHOTOS, samples=112)
    misfits = [scale.misfit(moved(distance), np.eye(MEASURES)) for distance in (near, factor * near)]
    assert misfits[0] < misfits[1]
    assert scale.is_worse(moved(1.0), moved(near), np.eye(MEASURES))
    assert not scale.is_worse(moved(near), moved(1.0), np.eye(MEASURES))


def test_a_search_is_given_up_sooner_the_longer_it_has_run(scale):
    rival, precision = moved(0.05), np.eye(MEASURES)
    near, far, hopeless = moved(0.052), moved(0.15), moved(0.5)

    def rounds_until_given_up(expected: np.ndarray) -> int:
        return next(rounds for rounds in range(1, 9) if scale.is_given_up(rounds, expected, rival, precision))

    assert not any(scale.is_given_up(rounds, rival, rival, precision) for rounds in range(1, 9))
    assert not any(scale.is_given_up(rounds, moved(0.02), rival, precision) for rounds in range(1, 9))
    assert rounds_until_given_up(hopeless) == 1
    assert 1 < rounds_until_given_up(far) < rounds_until_given_up(near) == len(GIVEN_UP)


def test_a_search_that_explains_the_photos_never_stalls(scale):
    assert not scale.has_stalled([0.9 * scale.chance] * 5)
    assert scale.has_stalled([2 * scale.chance] * 5)
    assert not scale.has_stalled([2 * scale.chance] * 2)  # too short to tell
    assert not scale.has_stalled([(9 - number) * scale.chance for number in range(5)])
