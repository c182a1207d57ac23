"""How far real images are from each other by chance."""

from dataclasses import replace

import numpy as np
import pytest

from noisy_samples import noisy, smooth
from patina.fidelity.chance import chance_distances
from patina.fidelity.measured_samples import statistics_of
from patina.fidelity.properties import PROPERTIES
from patina.fidelity.samples import Sample


def statistics(count: int, spread: float):
    """Return images of one kind whose noise has a std of 8-bit 5, give or take a factor of `spread`."""
    factors = np.random.default_rng(1).uniform(1 / spread, spread, count)
    samples = []
    for number, factor in enumerate(factors):
        sample = Sample(f"image{number}", np.float32(smooth(number)))
        difference = noisy([sample], number)[0].pixels - sample.pixels
        samples.append(Sample(sample.name, sample.pixels + np.float32(factor) * difference))
    return statistics_of(samples, 0)


@pytest.mark.slow
def test_more_images_differ_less_and_more_kinds_more(monkeypatch):
    monkeypatch.setattr("patina.fidelity.chance.DRAWS", 30)
    few, many = (chance_distances(statistics(count, 1.5), count // 2, 0) for count in (6, 40))
    uniform = chance_distances(statistics(40, 1), 20, 0)
    assert set(few) == {item.key for item in PROPERTIES}
    for key in ("spectrum", "noise_level", "covariance"):
        assert few[key] > 1.3 * many[key] > 2 * uniform[key]


@pytest.mark.slow
def test_images_of_one_scene_are_drawn_together():
    images = [replace(image, scene=f"scene {number // 4}") for number, image in enumerate(statistics(16, 1.5))]
    by_scene, by_image = (chance_distances(images, 8, 0, by_scene=by_scene) for by_scene in (True, False))
    sets = {image.scene for image in images}
    assert len(sets) == 4
    assert by_scene["spectrum"] != by_image["spectrum"]


def test_draws_repeat():
    images = statistics(6, 1.5)
    assert chance_distances(images, 3, 0) == chance_distances(images, 3, 0)
