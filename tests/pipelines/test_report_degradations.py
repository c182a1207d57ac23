"""Reports of ordinary degradations: none is refused, and the very same degradation counts as real."""

import json

import numpy as np
import pytest
import skimage.data

from patina.cli.main import run_command
from patina.imaging.picture_files import write_picture
from sets import write_config

SIDE = 144
RECIPES = {
    "blurred": [{"gaussian_blur": {"kind": "isotropic", "size": 13, "sigma": [1.2, 1.8]}}],
    "compressed": [{"jpeg": {"quality": [25, 45]}}],
    "blurred-and-compressed": [
        {"gaussian_blur": {"kind": "isotropic", "size": 13, "sigma": [1, 2]}},
        {"jpeg": {"quality": [30, 60]}},
    ],
    "noisy": [{"correlated_noise": {"sigma": [8, 14], "shared": "random"}}],
    "sharpened": [{"unsharp_mask": {"sigma": 1.5, "amount": [1, 1.5]}}, {"jpeg": {"quality": [70, 90]}}],
}


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """Return a folder of two folders of photographs that share no place, both from the same pictures."""
    folder = tmp_path_factory.mktemp("scenes")
    for index, name in enumerate(("astronaut", "chelsea", "coffee", "cat", "stereo_motorcycle", "retina")):
        pixels = getattr(skimage.data, name)()
        photograph = pixels[0] if isinstance(pixels, tuple) else pixels
        corners = [(SIDE * (number // 2), SIDE * (number % 2)) for number in range(4)]
        for number, (top, left) in enumerate(corners):
            group = folder / ("one", "other")[(index + number + number // 2) % 2]
            tile = photograph[top : top + SIDE, left : left + SIDE, :3]
            write_picture(group / f"{name}{number}.png", np.ascontiguousarray(tile))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_the_same_recipe_on_other_photographs_is_as_real(name, scenes, tmp_path, capsys):
    recipe = write_config(tmp_path / "recipe.yml", {"scale": 1, "steps": RECIPES[name]})
    for group, seed in (("one", 1), ("other", 2)):
        arguments = [recipe, scenes / group, tmp_path / group, "-seed", seed, "-workers", 1]
        assert run_command("degrade", list(map(str, arguments))) == 0
    places = ["-clean", scenes / "one", "-generated", tmp_path / "one", "-real", tmp_path / "other"]
    arguments = [*places, "-out", tmp_path / "page.html", "-judge_steps", 1]
    assert run_command("report", list(map(str, arguments))) == 0, capsys.readouterr().err
    found = json.loads((tmp_path / "page.json").read_text())["findings"]
    properties = [item for item in found if item["key"] != "classifier_accuracy"]
    assert len(properties) == 8
    assert not [item["sentence"] for item in properties if item["grade"] != "real"]


@pytest.mark.slow
@pytest.mark.parametrize("other", ["blurred", "noisy"])
def test_another_recipe_is_not_as_real(other, scenes, tmp_path, capsys):
    for group, name in (("one", "compressed"), ("other", other)):
        recipe = write_config(tmp_path / "recipe.yml", {"scale": 1, "steps": RECIPES[name]})
        arguments = [recipe, scenes / group, tmp_path / group, "-workers", 1]
        assert run_command("degrade", list(map(str, arguments))) == 0
    places = ["-clean", scenes / "one", "-generated", tmp_path / "one", "-real", tmp_path / "other"]
    arguments = [*places, "-out", tmp_path / "page.html", "-judge_steps", 1, "--require", "real"]
    assert run_command("report", list(map(str, arguments))) == 1, capsys.readouterr().out


@pytest.mark.slow
def test_swapped_folders_are_judged_with_a_word_of_warning(scenes, tmp_path, capsys):
    recipe = write_config(tmp_path / "recipe.yml", {"scale": 1, "steps": RECIPES["noisy"]})
    assert run_command("degrade", [str(recipe), str(scenes / "one"), str(tmp_path / "noisy")]) == 0
    places = ["-clean", tmp_path / "noisy", "-generated", tmp_path / "noisy", "-real", scenes / "other"]
    assert run_command("report", list(map(str, [*places, "-out", tmp_path, "-judge_steps", 1]))) == 0
    assert "check that -clean and -real are not swapped" in capsys.readouterr().out
