"""What a recipe may not say, and that it ends at the size that it states."""

import pytest
import yaml

from patina.degradations.execution import apply_plan
from patina.degradations.recipe import load_recipe, parse_recipe
from patina.errors import ConfigError, PatinaError
from small_recipes import END, HALF, photo, recipe


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
        ([{"jpeg": {"quality": 70, "subsampling": "4:1:0"}}], "unknown subsampling '4:1:0'"),
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
        (
            [{"one_of": {"choices": [{"steps": 3}]}}],
            "choices.0.steps.0: expected one operation",
        ),
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


def test_names_and_yaml_of_recipes(tmp_path):
    with pytest.raises(ConfigError, match="no such recipe, neither at that path nor in confs/recipes/"):
        load_recipe("nothing")
    (tmp_path / "a.yml").write_text("steps: [", encoding="utf-8")
    with pytest.raises(ConfigError, match="not valid YAML"):
        load_recipe(tmp_path / "a.yml")
    values = {"scale": 1, "steps": [{"kernel_blur": {"file": "nowhere.npy"}}]}
    (tmp_path / "a.yml").write_text(yaml.safe_dump(values), encoding="utf-8")
    with pytest.raises(PatinaError, match=r"nowhere\.npy: no such kernel file"):
        load_recipe(tmp_path / "a.yml")
