"""A recipe as a degradation of one picture."""

import numpy as np
import pytest
import torch

from patina.degradations.recipe import parse_recipe
from patina.degradations.recipe_degradation import RecipeDegradation
from patina.errors import ConfigError
from patina.seeding import numpy_rng

STEPS = [{"gaussian_noise": {"sigma": [5, 15]}}, {"resize": {"filter": "matlab_bicubic", "of": "target"}}]


def degradation(scale: int = 2) -> RecipeDegradation:
    return RecipeDegradation(parse_recipe({"scale": scale, "steps": STEPS}, "test"), None)


def test_the_same_key_gives_the_same_picture_and_another_one_another():
    image = torch.full((3, 33, 40), 0.5)
    recipe = degradation()
    parameters = recipe.draw(numpy_rng(0))
    first, again, other = (recipe.apply(image, parameters, key) for key in (1, 1, 2))
    assert first.shape == (3, 16, 20)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first, recipe.apply(image, recipe.draw(numpy_rng(1)), 1))


def test_values_are_drawn_from_the_recipe_s_ranges():
    image, recipe = torch.full((3, 64, 64), 0.5), degradation(1)
    stds = [255 * float(recipe.apply(image, recipe.draw(numpy_rng(seed)), 0).std()) for seed in range(20)]
    assert 4.5 < min(stds) < 8
    assert 12 < max(stds) < 15.5
    assert np.ptp(stds) > 4


def test_variants_are_refused():
    values = {"scale": 1, "blocks": {"a": STEPS[:1], "b": STEPS[:1]}, "variants": {"one": ["a"], "two": ["b"]}}
    with pytest.raises(ConfigError, match="variants one, two"):
        RecipeDegradation(parse_recipe(values, "test"), None)
