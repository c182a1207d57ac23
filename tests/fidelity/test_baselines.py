"""The baselines: halves of the real set, Gaussian noise, and real noise transplanted from other images."""

import numpy as np
import pytest

from patina.fidelity.baselines import fitted_noises, halves, transplanted_residuals
from patina.fidelity.samples import Sample


def test_halves_share_the_scenes(pairs):
    first, second = halves(pairs[0])
    assert {sample.scene for sample in first} == {sample.scene for sample in second}
    assert {sample.name for sample in first}.isdisjoint(sample.name for sample in second)


@pytest.mark.parametrize("name", ["photo{}", "scene{}_7"])
def test_splits_differ_whether_scenes_have_one_image_or_many(name):
    samples = [Sample(name.format(word), np.zeros((64, 64, 3), np.float32)) for word in ("a", "b", "c", "d", "e", "f")]
    splits = [halves(samples, seed) for seed in range(8)]
    assert len({frozenset(sample.name for sample in first) for first, _ in splits}) > 1
    for first, second in splits:
        assert sorted(sample.name for sample in (*first, *second)) == [sample.name for sample in samples]


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("exposure", [0, 6])
def test_fits_find_the_std(pairs, paired, exposure):
    clean, real = pairs
    real = [Sample(sample.name, sample.pixels + exposure * (-1) ** index) for index, sample in enumerate(real)]
    noises = fitted_noises(clean, real, paired=paired)
    np.testing.assert_allclose(noises["Gaussian"].sigma, [4, 6, 8], rtol=0.12)
    line = noises["Poisson-Gaussian"]
    np.testing.assert_allclose(np.array(line.gain) * 128 + line.floor, [16, 36, 64], rtol=0.2)


def test_without_excess_noise_in_most_channels_both_noises_are_none(pairs):
    clean, real = pairs
    swapped = [
        Sample(one.name, np.dstack([one.pixels[..., 0], two.pixels[..., 1:]]))
        for one, two in zip(real, clean, strict=True)
    ]
    noises = fitted_noises(real, swapped, paired=False)
    assert noises["Gaussian"].sigma == [0, 0, 0]
    line = noises["Poisson-Gaussian"]
    assert line.gain == line.floor == [0, 0, 0]


def test_transplanted_noise_is_of_another_image(pairs):
    clean, real = pairs
    transplanted = transplanted_residuals(clean, real, seed=0)
    own = [b.pixels - a.pixels for a, b in zip(clean, real, strict=True)]
    for other, true in zip(transplanted, own, strict=True):
        np.testing.assert_allclose(other.std(axis=(0, 1)), true.std(axis=(0, 1)), rtol=0.15)
        assert abs(np.corrcoef(other.ravel(), true.ravel())[0, 1]) < 0.1
