"""What recipes draw: frequencies, ranges, orders and variants, all functions of seed and name."""

import json

import numpy as np
import pytest

from patina.degradations.base import Frame
from patina.degradations.blocks import OneOf, Shuffle, changes_size
from patina.degradations.execution import apply_plan, grow
from patina.degradations.operations import OPERATIONS
from patina.degradations.plans import Step, applied, draw_blocks, unfolded
from patina.degradations.recipe import load_recipe, parse_recipe
from small_recipes import END, HALF, photo, recipe, variants


@pytest.mark.parametrize("seed", range(20))
def test_unfolding_a_sequence_changes_no_draw(seed):
    recipe = load_recipe("bsrgan").without_learned()
    for variant in recipe.names:
        size = (64, 64)
        frame = Frame(size, size, (size[0] // recipe.scale, size[1] // recipe.scale))
        blocks = unfolded(recipe.sequence(variant), seed, "a.png")
        assert not any(isinstance(block, OneOf | Shuffle) and block.probability == 1 for _, block in blocks)
        plan, after = draw_blocks(recipe.sequence(variant), frame, seed, "a.png")
        assert draw_blocks(blocks, frame, seed, "a.png") == (plan, after)
        made = applied(recipe.sequence(variant), seed, "a.png")
        assert [block.name for _, block, _ in made] == [step.op for step in plan]


@pytest.mark.slow
def test_probabilities_and_weights_are_kept():
    made = recipe(
        {"lens_blur": {"radius": 1, "probability": 0.25}},
        {"resize": {"filter": {"box": 3, "lanczos": 1}, "of": "target"}},
        {"one_of": {"choices": [{"weight": 3, "steps": {"jpeg": {"quality": 50}}}, {"webp": {"quality": 50}}]}},
    )
    plans = [made.draw("", (40, 48), 0, f"{index}.png") for index in range(2000)]
    counts = [sum(any(f(step) for step in plan) for plan in plans) / 2000 for f in (
        lambda step: step.op == "lens_blur",
        lambda step: step.parameters.get("filter") == "lanczos",
        lambda step: step.op == "webp",
    )]  # fmt: skip
    np.testing.assert_allclose(counts, 0.25, atol=0.04)


def test_draws_stay_inside_their_ranges_and_reach_their_ends():
    made = recipe({"jpeg": {"quality": [70, 73]}}, {"box_blur": {"size": [3, 7]}}, END)
    plans = [made.draw("", (40, 48), seed, "a.png") for seed in range(100)]
    assert {plan[0].parameters["quality"] for plan in plans} == {70, 71, 72, 73}
    assert {plan[1].parameters["kernel_size"] for plan in plans} == {3, 5, 7}


def test_shuffling_reaches_every_order_and_keeps_resizes_in_theirs():
    made = recipe(
        {"shuffle": {"steps": [HALF, END, {"jpeg": {"quality": 50}}, {"lens_blur": {"radius": 1}}],
                     "resizes_in_order": True}}
    )  # fmt: skip
    orders = set()
    for seed in range(300):
        plan = made.draw("", (40, 48), seed, "a.png")
        sizes = [step.parameters["size"] for step in plan if step.op == "resize"]
        assert sizes == [[20, 24], [20, 24]]
        orders.add(tuple(step.op for step in plan))
    assert len(orders) == 12
    assert changes_size(made.steps[0])


def test_variants_differ_only_in_what_they_leave_out():
    made = variants()
    plans = {name: made.draw(name, (40, 48), 3, "a.png") for name in made.names}
    assert plans["blur"][1:] == plans["plain"]
    assert plans["twice"][:2] == plans["blur"]
    assert plans["twice"][2] != plans["twice"][3]
    assert [made.variant_of(index, 0, "a") for index in range(4)] == ["plain", "blur", "twice", "plain"]
    by_chance = made.model_copy(update={"mixed": "random"})
    assert {by_chance.variant_of(0, 0, str(index)) for index in range(30)} == set(made.names)


def test_a_common_beginning_is_done_once(monkeypatch):
    calls = []
    original = OPERATIONS["lens_blur"].apply
    monkeypatch.setattr(OPERATIONS["lens_blur"], "apply", staticmethod(lambda *a: calls.append(1) or original(*a)))
    made = variants()
    plans = [made.draw(name, (40, 48), 3, "a.png") for name in made.names]
    images = {(): photo()}
    assert grow(images, plans) == []
    assert len(calls) == 1
    for plan in plans:
        np.testing.assert_array_equal(images[plan], apply_plan(photo(), plan))


def test_plans_are_functions_of_seed_and_name_alone():
    made = variants()
    one = made.draw("twice", (40, 48), 3, "a.png")
    made.draw("plain", (40, 48), 9, "z.png")
    assert one == variants().draw("twice", (40, 48), 3, "a.png")
    assert one != made.draw("twice", (40, 48), 4, "a.png")
    assert one != made.draw("twice", (40, 48), 3, "b.png")
    assert one == tuple(Step(**json.loads(step.text)) for step in one)


def test_the_digest_changes_with_any_setting_and_nothing_else():
    assert variants().digest == variants().digest
    values = {"scale": 2, "steps": [{"one_of": {"choices": [{"jpeg": {"quality": [5, 90]}}, END, HALF]}}, END]}
    first = parse_recipe(values, "x").digest
    values["steps"][0]["one_of"]["choices"][0]["jpeg"]["quality"] = [5, 91]
    assert parse_recipe(values, "x").digest != first
    here, there = (recipe({"learned": {"model": f"{folder}/m"}}, END).digest for folder in ("here", "there"))
    assert here == there
