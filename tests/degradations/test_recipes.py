"""The language of recipes: what it refuses, what it draws, and that drawing and doing are functions of the seed."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import pytest
import torch
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from patina.data.pairs_on_the_fly import Unfinished
from patina.degradations.base import Frame, Operation
from patina.degradations.blocks import LearnedBlock, OneOf, Shuffle, changes_size, known_blocks, parse_block
from patina.degradations.description import describe
from patina.degradations.execution import Engine, apply_plan, finish, grow, serve_waiting
from patina.degradations.operations import OPERATIONS
from patina.degradations.plans import Step, draw_blocks, unfolded
from patina.degradations.ranges import Between, RealRange, draw_real
from patina.degradations.recipe import Recipe, load_recipe, parse_recipe
from patina.degradations.recipe_patches import Waiting, finish_patches
from patina.errors import ConfigError, PatinaError, PictureError
from patina.imaging.resize_filters import FILTERS, resize

SHIPPED = sorted(path.stem for path in (Path(__file__).parents[2] / "confs/recipes").glob("*.yml"))

EXAMPLES = {
    "ellipse_blur": {"sigma_x": [0.5, 3], "sigma_y": [0.5, 2], "tilt": [-0.8, 0.8]},
    "sensor_noise": {"sigma": [3, 25], "gain": [-1, 1], "grain": [0, 1], "shared": 0.3, "chroma": [0, 1]},
    "bilateral": {"strength": [5, 60], "sigma": 2},
    "lens_blur": {"radius": [0.5, 3]},
    "complex_lens_blur": {"radius": [1, 3], "exposure_gamma": [1, 3]},
    "gaussian_blur": {"kind": ["isotropic", "generalised_anisotropic", "plateau_isotropic"], "size": [7, 21]},
    "box_blur": {"size": [1, 9]},
    "motion_blur": {"length": [0, 12]},
    "median_blur": {"size": [3, 7]},
    "sinc": {},
    "div2krk_blur": {},
    "kernel_blur": {"file": "kernels.npy", "turn": True},
    "resize": {"filter": "lanczos", "factor": [0.5, 1.5]},
    "down_up": {},
    "gaussian_noise": {"sigma": [1, 30], "gray": 0.4},
    "poisson_noise": {"scale": [0.05, 3], "gray": 0.4},
    "speckle": {"sigma": [1, 30]},
    "salt_and_pepper": {"share": [0, 0.1]},
    "correlated_noise": {"sigma": [2, 25], "grain": [0, 2], "shared": "random"},
    "jpeg": {"quality": [30, 95]},
    "webp": {"quality": [30, 95]},
    "unsharp_mask": {"sigma": [1, 3], "threshold": 3, "soft_mask": True},
    "colour_shift": {"brightness": [-0.1, 0.1], "gamma": [0.8, 1.2], "balance": [0.9, 1.1]},
    "quantise": {"levels": [2, 64], "dither": ["none", "ordered", "floyd_steinberg"]},
}


def photo(height: int = 40, width: int = 48) -> np.ndarray:
    rng = np.random.default_rng(0)
    return resize(rng.random((6, 7, 3), np.float32), (height, width), "catmull_rom")


def recipe(*steps, scale: int = 2, **keys) -> Recipe:
    return parse_recipe({"scale": scale, **({"steps": list(steps)} if steps else {}), **keys}, "some.yml")


END = {"resize": {"filter": "area", "of": "target"}}


@pytest.fixture(autouse=True)
def _kernel_file(tmp_path, monkeypatch):
    np.save(tmp_path / "kernels.npy", np.random.default_rng(1).random((3, 5, 7)))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("seed", range(20))
def test_unfolding_a_sequence_changes_no_draw(seed):
    recipe = load_recipe("bsrgan").without_learned()
    for variant in recipe.names:
        size = (64, 64)
        frame = Frame(size, size, (size[0] // recipe.scale, size[1] // recipe.scale))
        blocks = unfolded(recipe.sequence(variant), seed, "a.png")
        assert not any(isinstance(block, OneOf | Shuffle) and block.probability == 1 for _, block in blocks)
        assert draw_blocks(blocks, frame, seed, "a.png") == draw_blocks(recipe.sequence(variant), frame, seed, "a.png")


BLOCKS = known_blocks()


def test_every_operation_has_an_example_and_a_family():
    assert set(EXAMPLES) == set(OPERATIONS)
    assert all(operation.family for operation in OPERATIONS.values())


def test_one_class_is_a_whole_operation():

    class Darken(Operation):
        """Less light."""

        name = "darken"
        family = "color"

        factor: Annotated[RealRange, Between(0, 1)]
        """Factor of every value."""

        def draw(self, rng, frame):
            return {"factor": draw_real(rng, self.factor)}

        @staticmethod
        def apply(image, parameters, key):
            return image * np.float32(parameters["factor"])

    try:
        made = recipe({"darken": {"factor": 0.5}}, scale=1)
        plan = made.draw("", (40, 48), 0, "a.png")
        np.testing.assert_array_equal(apply_plan(photo(), plan), photo() / 2)
        assert describe(plan, (40, 48)) == "color: darken factor=0.5"
        with pytest.raises(ConfigError, match=r"darken\.factor: expected 0 to 1, found 2"):
            recipe({"darken": {"factor": 2}}, scale=1)
        with pytest.raises(TypeError, match="two operations are named darken"):
            type("Other", (Darken,), {"name": "darken", "__module__": __name__})
    finally:
        del OPERATIONS["darken"]


@pytest.mark.parametrize("name", EXAMPLES)
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), height=st.integers(1, 33), width=st.integers(1, 33))
def test_any_draw_can_be_written_down_and_done_again(name, seed, height, width):
    block = OPERATIONS[name].model_validate(EXAMPLES[name])
    image = photo(height, width)
    before = image.copy()
    frame = Frame((height, width), (height, width), (max(1, height // 2), max(1, width // 2)))
    parameters = block.draw(np.random.default_rng(seed), frame)
    result = block.apply(image, parameters, seed)
    again = block.apply(image, json.loads(json.dumps(parameters)), seed)
    assert result.tobytes() == again.tobytes()
    assert result.dtype == np.float32
    assert result.shape == (*parameters.get("size", (height, width)), 3)
    assert np.isfinite(result).all()
    assert result.min() >= -1e-6
    assert result.max() <= 1 + 1e-5
    assert np.array_equal(image, before)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_strongest_end_does_more_than_the_mildest(name):
    block = OPERATIONS[name].model_validate(EXAMPLES[name])
    image = photo()
    frame = Frame((40, 48), (40, 48), (20, 24))

    def change(end):
        found = block.at_end(end)
        assert found.probability == 1
        result = block.apply(image, found.draw(np.random.default_rng(2), frame), 7)
        return float(np.abs(resize(result, (40, 48), "linear") - image).mean())

    assert change(True) >= change(False) - 1e-6
    if any(isinstance(value, tuple) and value[0] < value[1] for key, value in block if key not in ("angle", "size")):
        assert change(True) > change(False)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([{"lense_blur": {"radius": 1}}], "steps.0: unknown operation 'lense_blur', did you mean lens_blur?"),
        ([{"lens_blur": {"radis": 1}}], "steps.0: lens_blur.radis: unknown key, did you mean radius?"),
        (
            [{"lens_blur": {"radius": [3, 1]}}],
            "lens_blur.radius: the range [3, 1] has its ends swapped, expected [1, 3]",
        ),
        ([{"lens_blur": {"radius": -1}}], "lens_blur.radius: expected 0 to 100, found -1"),
        ([{"lens_blur": {"radius": "1"}}], "expected a number or a range [low, high], found '1'"),
        ([{"lens_blur": {"radius": 1, "probability": 1.2}}], "lens_blur.probability: expected a value less than"),
        ([{"box_blur": {"size": [2, 5]}}], "box_blur.size: expected odd numbers"),
        ([{"jpeg": {"quality": [70, 101]}}], "jpeg.quality: expected 1 to 100, found [70, 101]"),
        ([{"jpeg": {"quality": 70.5}}], "jpeg.quality: expected whole numbers"),
        ([{"jpeg": {"quality": 70, "subsampling": "4:1:1"}}], "unknown subsampling '4:1:1'"),
        (
            [{"jpeg": {"quality": 70, "subsampling": "4:4:4", "codec": "torch"}}],
            "codec torch supports subsampling 4:2:0",
        ),
        ([{"resize": {"filter": "lanzos"}}], "resize.filter: unknown filter 'lanzos', did you mean lanczos?"),
        ([{"resize": {"filter": {"box": 0}}}], "all weights are 0"),
        ([{"resize": {"filter": {"box": -1}}}], "the weight of box is -1"),
        ([{"one_of": {"choices": [{"weight": 2, "steps": [{"jpgg": {}}]}]}}], "one_of.choices.0.steps.0: unknown"),
        ([{"one_of": {"choices": []}}], "one_of.choices: "),
        (
            [{"jpeg": {"quality": 3}, "webp": {"quality": 3}}],
            "expected one operation with its settings, found jpeg, webp",
        ),
        ([3], "expected one operation with its settings, found 3"),
        ([], "steps: "),
    ],
)
def test_a_mistake_is_one_line_with_its_place(steps, expected):
    with pytest.raises(ConfigError) as caught:
        parse_recipe({"scale": 2, "steps": [*steps, END] if steps else []}, "some.yml")
    assert str(caught.value).startswith("some.yml: steps")
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, "expected either steps, or blocks and variants"),
        ({"steps": [END], "mixed": "random"}, "blocks and mixed require variants"),
        ({"blocks": {"a": END}, "variants": {"x": ["b"]}}, "variants: unknown block 'b'"),
        ({"blocks": {"shrink": END, "b": END}, "variants": {"x": ["shrink"]}}, "blocks.b: no variant uses it"),
        ({"blocks": {"a": END}, "variants": {"mixed": ["a"]}}, "cannot be named mixed"),
        ({"blocks": {"a": END}, "variants": {"../x": ["a"]}}, "variants"),
        ({"steps": [END], "mixd": "random"}, "mixd: unknown key, did you mean mixed?"),
    ],
)
def test_a_recipe_that_contradicts_itself_is_refused(keys, expected):
    with pytest.raises(ConfigError) as caught:
        parse_recipe({"scale": 2, **keys}, "some.yml")
    assert expected in str(caught.value)


HALF = {"resize": {"filter": "box", "factor": 0.5}}


@pytest.mark.parametrize(
    ("steps", "size"),
    [
        ([{"jpeg": {"quality": 50}}], "1"),
        ([{**HALF}, {**HALF}], "0.25"),
        ([END, HALF], "0.25"),
        ([{"resize": {"filter": "box", "factor": [0.4, 0.5]}}], "0.4 to 0.5"),
        ([{"resize": {"filter": "box", "factor": 0.5, "probability": 0.5}}], "0.5 to 1"),
        ([{"one_of": {"choices": [END, {"steps": []}]}}], "0.5 to 1"),
        ([{"shuffle": {"steps": [END, HALF]}}], "0.25 to 0.5"),
    ],
)
def test_a_recipe_that_ends_at_the_wrong_size_is_refused(steps, size):
    with pytest.raises(ConfigError) as caught:
        recipe(*steps)
    assert f"ends at {size} of the clean image's size, expected 1/2" in str(caught.value)


@pytest.mark.parametrize(
    "steps",
    [
        [HALF],
        [END],
        [{"down_up": {}}],
        [{"resize": {"filter": "box", "factor": [0.1, 3]}}, END],
        [{"shuffle": {"steps": [HALF, END], "resizes_in_order": True}}],
        [{"one_of": {"choices": [HALF, END, {"weight": 2, "steps": [{"jpeg": {"quality": 3}}, END]}]}}],
    ],
)
def test_a_recipe_that_ends_at_the_wanted_size_does(steps):
    made = recipe(*steps)
    for seed in range(8):
        result = apply_plan(photo(), made.draw("", (40, 48), seed, "a.png"))
        assert result.shape == (20, 24, 3)


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


def variants() -> Recipe:
    return recipe(
        blocks={
            "blur": {"lens_blur": {"radius": [1, 3]}},
            "shrink": END,
            "compress": {"one_of": {"choices": [{"jpeg": {"quality": [5, 90]}}, {"webp": {"quality": [5, 90]}}]}},
        },
        variants={"plain": ["shrink"], "blur": ["blur", "shrink"], "twice": ["blur", "shrink", "compress", "compress"]},
        mixed="round_robin",
    )


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


class Halve:
    """A model that halves brightness; it notes how many pictures it is given at a time."""

    def __init__(self):
        self.batches = []

    def apply_batch(self, images, parameters, keys):
        self.batches.append(len(images))
        return [image * each["by"] for image, each in zip(images, parameters, strict=True)]


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


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_recipes_are_drawn_and_done(name):
    made = load_recipe(name)
    side = 12 * made.scale
    for variant in made.names:
        for seed in range(3):
            plan = made.without_learned().draw(variant, (side, 2 * side), seed, "a.png")
            result = apply_plan(photo(side, 2 * side), plan)
            assert result.shape == (12, 24, 3)
            assert describe(plan, (side, 2 * side))


def test_web_photo_has_its_twelve_variants():
    made = load_recipe("web-photo")
    assert len(made.names) == 12
    assert made.mixed == "round_robin"
    [block, *_] = made.blocks_of(LearnedBlock)
    assert block.knobs == {"noise_level": (1, 5), "temperature": (0.04, 0.14)}
    assert block.model.is_absolute()


def test_names_and_yaml_of_recipes(tmp_path):
    with pytest.raises(ConfigError, match="no such recipe, neither at that path nor in confs/recipes/"):
        load_recipe("nothing")
    (tmp_path / "a.yml").write_text("steps: [", encoding="utf-8")
    with pytest.raises(ConfigError, match="not valid YAML"):
        load_recipe(tmp_path / "a.yml")
    values = {"scale": 1, "steps": [{"kernel_blur": {"file": "nowhere.npy"}}]}
    (tmp_path / "a.yml").write_text(yaml.safe_dump(values), encoding="utf-8")
    with pytest.raises(PatinaError, match=r"nowhere\.npy: cannot be read"):
        load_recipe(tmp_path / "a.yml")


def test_a_file_of_kernels_is_checked_and_used(tmp_path):
    delta = np.zeros((5, 5))
    delta[2, 3] = 4
    np.savez(tmp_path / "k.npz", only=delta)
    made = recipe({"kernel_blur": {"file": str(tmp_path / "k.npz")}}, scale=1)
    found = apply_plan(photo(), made.draw("", (40, 48), 0, "a"))
    np.testing.assert_allclose(found[:, :-1], photo()[:, 1:], atol=1e-6)
    np.save(tmp_path / "bad.npy", np.zeros((3, 3)))
    with pytest.raises(PatinaError, match="positive sum"):
        recipe({"kernel_blur": {"file": str(tmp_path / "bad.npy")}}, scale=1).draw("", (4, 4), 0, "a")


def test_descriptions_have_the_form_that_users_know():
    plan = (
        Step("resize", {"filter": "mitchell", "size": [10, 12]}, 0),
        Step("jpeg", {"quality": 82, "subsampling": "4:2:0", "codec": "libjpeg"}, 0),
    )
    assert describe(plan, (40, 48)) == "scale: cubic_mitchell size factor=0.25, compression: jpeg quality=82"
    assert describe((), (40, 48)) == "nothing"


def test_every_filter_keeps_a_flat_picture_and_the_middle():
    flat = np.full((13, 17, 3), 0.4, np.float32)
    for name in FILTERS:
        for size in ((5, 6), (20, 40), (13, 17)):
            np.testing.assert_allclose(resize(flat, size, name), 0.4, atol=2e-6)


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        (name, field)
        for name, block in BLOCKS.items()
        for field, info in block.model_fields.items()
        if info.is_required()
    ],
)
def test_blocks_without_their_needed_settings_are_refused(name, needed):
    with pytest.raises(ValidationError) as caught:
        BLOCKS[name].model_validate({})
    assert (needed,) in [each["loc"] for each in caught.value.errors() if each["type"] == "missing"]


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_blocks_refuse_what_they_do_not_know(block):
    with pytest.raises(ValidationError, match="surely_unknown"):
        block.model_validate({"surely_unknown": {}})


def test_the_documentation_shows_every_block():
    docs = Path(__file__).parents[2] / "docs"
    text = (docs / "recipes.md").read_text(encoding="utf-8").split("## Every operation")[1]
    examples = dict(re.findall(r"### (\w+)\n[^#]*?```yaml\n(.*?)```", text, re.DOTALL))
    assert set(examples) == set(BLOCKS)
    for name, example in examples.items():
        assert isinstance(parse_block(yaml.safe_load(example)), BLOCKS[name])
        assert f"![{name}](recipes/{name}.jpg)" in text
        assert (docs / "recipes" / f"{name}.jpg").is_file()


def test_the_documentations_recipes_are_recipes():
    text = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text(encoding="utf-8")
    whole = [code for code in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if code.startswith("scale:")]
    assert len(whole) == 2
    for code in whole:
        assert parse_recipe(yaml.safe_load(code), "docs").names
