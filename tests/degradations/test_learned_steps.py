"""Learned steps of recipes: run in batches, replaced or left out, and checked for finite values."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from patina.data.pairs_on_the_fly import Unfinished
from patina.degradations.blocks import LearnedBlock
from patina.degradations.execution import Engine, apply_plan, finish, grow, serve_waiting
from patina.degradations.recipe_patches import Waiting, finish_patches
from patina.errors import ConfigError, PictureError
from small_recipes import END, photo, recipe


class Halve:
    """A model that halves brightness; it notes how many pictures it is given at a time."""

    def __init__(self):
        self.batches = []

    def apply_batch(self, images, parameters, keys):
        self.batches.append(len(images))
        return [image * item["by"] for image, item in zip(images, parameters, strict=True)]


def test_learned_steps_of_several_pictures_are_done_in_batches():
    made = recipe({"box_blur": {"size": 3}}, {"learned": {"model": "m", "by": [0.4, 0.6]}}, END)
    [block] = made.blocks_of(LearnedBlock)
    assert block.knobs == {"by": (0.4, 0.6)}
    plans = [made.draw("", (40, 48), 0, f"{index}.png") for index in range(3)]
    model = Halve()
    pictures = [({(): photo()}, [plan]) for plan in plans]
    finish(pictures, Engine({"m": model}))
    assert model.batches == [3]
    for (images, _), plan in zip(pictures, plans, strict=True):
        alone = apply_plan(photo(), plan, Engine({"m": Halve()}))
        np.testing.assert_array_equal(images[plan], alone)
        by = plan[1].parameters["knobs"]["by"]
        assert images[plan].mean() == pytest.approx(photo().mean() * by, rel=1e-3)


class Overflow(Halve):
    """A model that fails for every second picture."""

    def apply_batch(self, images, parameters, keys):
        return [image * (1 if index % 2 else np.inf) for index, image in enumerate(images)]


def test_values_that_are_not_finite_go_no_further():
    made = recipe({"learned": {"model": "m"}}, END, {"jpeg": {"quality": 50}})
    plan = made.draw("", (40, 48), 0, "a.png")
    images = {(): photo()}
    waiting = grow(images, [plan])
    serve_waiting([(images, waiting)], Engine({"m": Overflow()}))
    with pytest.raises(PictureError, match="m gave values that are not finite"):
        grow(images, [plan])
    window = slice(2, 10), slice(3, 11)
    patches = [Unfinished(Waiting(photo(), plan, np.dtype(np.uint8)), window) for _ in range(3)]
    model = Overflow()
    model.apply_batch = lambda images, parameters, keys: [
        i * (np.inf if k == 7 else 1) for i, k in zip(images, keys, strict=True)
    ]
    patches[1].state.plan = (replace(plan[0], key=7), *plan[1:])
    found = finish_patches(patches, torch.device("cpu"), Engine({"m": model}))
    assert found.shape == (3, 3, 8, 8)
    assert torch.isfinite(found).flatten(1).all(1).tolist() == [True, False, True]


def test_a_model_can_be_replaced_or_left_out():
    made = recipe({"learned": {"model": "m"}}, END)
    assert made.with_model("n").blocks_of(LearnedBlock)[0].model == "n"
    assert made.without_learned().blocks_of(LearnedBlock) == []
    with pytest.raises(ConfigError, match="names 0 model files"):
        recipe(END).with_model("n")
