"""Recipes with free numbers."""

import numpy as np
import pytest
import yaml

from patina.errors import ConfigError, PatinaError
from patina.fitting.family import DEFAULT_FAMILIES, load_families, load_family
from sets import write_config

VALUES = {
    "scale": 2,
    "steps": [
        {"resize": {"filter": "box", "of": "target"}},
        {"gaussian_noise": {"sigma": {"free": [0, 20]}}},
        {"jpeg": {"quality": {"free": [50, 95]}}},
    ],
}


def test_free_numbers_are_found_by_name_and_filled_in(tmp_path):
    family = load_family(write_config(tmp_path / "f.yml", VALUES))
    assert [number.name for number in family.free] == ["gaussian_noise.sigma", "jpeg.quality"]
    recipe = family.recipe(np.array([0.5, 0.0]))
    assert recipe.steps[1].sigma == (5, 5)  # 20 u², because it reaches down to 0
    assert recipe.steps[2].quality == (50, 50)


def test_default_families_are_those_that_come_with_patina(tmp_path, monkeypatch):
    for name in DEFAULT_FAMILIES:
        write_config(tmp_path / f"{name}.yml", VALUES)
    monkeypatch.chdir(tmp_path)
    named = [family.free for family in load_families(DEFAULT_FAMILIES[:1])]
    assert [len(free) for free in named] == [2]  # a name given by itself may be a file of the current folder
    families = load_families(DEFAULT_FAMILIES, scale=4)
    assert [family.name for family in families] == list(DEFAULT_FAMILIES)
    assert all(family.free[0].name == "ellipse_blur.sigma_x" for family in families)


@pytest.mark.parametrize("unit", [0.0, 0.3, 1.0])
def test_units_and_values_are_inverse(tmp_path, unit):
    for number in load_family(write_config(tmp_path / "f.yml", VALUES)).free:
        assert number.unit(number.value(unit)) == pytest.approx(unit)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sigma": 3}, "no number is free"),
        ({"sigma": {"free": [5, 5]}}, "expected \\[low, high\\]"),
        ({"sigma": {"free": [-3, 5]}}, "expected 0 to 255"),
        ({"sigma": {"free": 5}}, "expected \\[low, high\\]"),
        ({"sigma": {"free": [0, 5], "of": "source"}}, "of is 'source', expected target"),
    ],
)
def test_wrong_families_are_one_line(tmp_path, change, message):
    values = {"scale": 1, "steps": [{"gaussian_noise": change}]}
    with pytest.raises(ConfigError, match=message) as caught:
        load_family(write_config(tmp_path / "f.yml", values))
    assert "\n" not in str(caught.value)


def test_the_shipped_family_is_read_at_any_scale():
    family = load_family("camera", 4)
    assert family.scale == 4
    assert yaml.safe_load(yaml.safe_dump(family.filled([(n.low, n.high) for n in family.free])))["scale"] == 4


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_limits_in_the_photos_pixels_grow_with_the_scale(tmp_path, scale):
    blur = {"ellipse_blur": {"sigma_x": {"free": [0, 3], "of": "target"}, "sigma_y": {"free": [0, 3]}}}
    resize = {"resize": {"filter": "box", "of": "target"}}
    family = load_family(write_config(tmp_path / "f.yml", {"scale": 1, "steps": [blur, resize]}), scale)
    assert [number.high for number in family.free] == [3 * scale, 3]
    assert [number.scale for number in family.free] == [scale, 1]
    assert family.recipe(np.array([1.0, 1.0])).steps[0].sigma_x == (3 * scale, 3 * scale)


def test_what_is_believed_of_a_number_is_the_usual_or_its_default():
    plain = {number.name: number.value(number.plain) for number in load_family("camera").free}
    assert plain["sensor_noise.red"] == plain["sensor_noise.blue"] == pytest.approx(1)
    assert plain["sensor_noise.gain"] == plain["ellipse_blur.tilt"] == pytest.approx(0)
    assert plain["sensor_noise.chroma"] == plain["bilateral.strength"] == 0
    assert plain["sensor_noise.shared"] == pytest.approx(0.5)
    assert 0 < plain["sensor_noise.sigma"] < 40


def blur_family(path, **words):
    steps = [
        {"ellipse_blur": {"sigma_x": {"free": [0, 3], **words}, "sigma_y": 0}},
        {"resize": {"filter": "box", "of": "target"}},
    ]
    return load_family(write_config(path / "f.yml", {"scale": 2, "steps": steps}))


@pytest.mark.parametrize(("words", "expected"), [({"usual": 1}, 1), ({"usual": 1, "of": "target"}, 2)])
def test_what_is_usual_is_in_the_unit_of_the_limits(tmp_path, words, expected):
    (number,) = blur_family(tmp_path, **words).free
    assert number.value(number.plain) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"usual": 4}, r"sigma_x\.usual is 4, expected a number from 0 to 3"),
        ({"usual": "some"}, r"sigma_x\.usual is 'some', expected a number"),
        ({"usual": 1, "optional": True}, "an optional number is usually at its low end"),
    ],
)
def test_what_cannot_be_usual_is_refused(tmp_path, words, message):
    with pytest.raises(PatinaError, match=message):
        blur_family(tmp_path, **words)


def test_paths_become_absolute_so_that_a_recipe_made_of_them_can_lie_elsewhere(tmp_path):
    (tmp_path / "files").mkdir()
    np.savez(tmp_path / "files" / "kernels.npz", a=np.full((3, 3), 1 / 9))
    np.savez(tmp_path / "files" / "noise.npz", a=np.zeros((2, 32, 32, 3), np.float32))
    learned = {"model": "files/tiny.safetensors", "temperature": {"free": [0, 4]}}
    noise = {"noise_patches": {"file": "files/noise.npz", "strength": {"free": [0, 2]}}}
    choices = {"one_of": {"choices": [{"weight": 2, "steps": {"learned": learned}}, {"steps": [noise]}]}}
    kernels = {"shuffle": {"steps": [{"kernel_blur": {"file": str(tmp_path / "files" / "kernels.npz")}}]}}
    family = load_family(write_config(tmp_path / "f.yml", {"scale": 1, "steps": [choices, kernels]}))
    names = ["tiny.safetensors", "noise.npz", "kernels.npz"]
    assert family.recipe([0.5, 0.5]).files == [tmp_path.resolve() / "files" / name for name in names]


def test_a_missing_file_is_named_before_anything_is_fitted(tmp_path):
    noise = {"noise_patches": {"file": "gone.npz", "strength": {"free": [0, 2]}}}
    with pytest.raises(PatinaError, match=r"gone\.npz: no such noise file"):
        load_family(write_config(tmp_path / "f.yml", {"scale": 1, "steps": [noise]}))
