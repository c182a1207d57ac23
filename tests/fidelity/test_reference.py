"""The distances from the real images, measured between halves of the sets."""

import pytest

from noisy_samples import noisy
from patina.fidelity.baselines import REAL
from patina.fidelity.measured_samples import statistics_of
from patina.fidelity.reference import Reference


@pytest.mark.slow
def test_images_with_the_same_noise_are_as_close_as_real_ones_are_to_each_other(pairs):
    clean, real = pairs
    reference = Reference(clean, real, paired=False, classifier_steps=1)
    own, known = reference.scores(statistics_of(noisy(clean, 7), 0)).distances, reference.baselines[REAL].distances
    for key in ("spectrum", "anisotropy", "autocorrelation", "wasserstein"):
        assert own[key] == pytest.approx(known[key], rel=0.35)
