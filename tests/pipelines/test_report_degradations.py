"""Reports of ordinary degradations: none is refused, and the very same degradation mostly counts as real."""

import json

import numpy as np
import pytest
import skimage.data

from patina.cli.main import run_command
from patina.imaging.picture_files import write_picture
from sets import write_config

SIDE = 160
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
    names = ("astronaut", "chelsea", "coffee", "rocket")
    places = [(top, left) for top in (0, SIDE // 2, SIDE - 40) for left in (0, SIDE)]
    for number, (top, left) in enumerate(places):
        group = folder / ("one", "other")[number % 2]
        for name in names:
            tile = getattr(skimage.data, name)()[top : top + SIDE, left : left + SIDE, :3]
            write_picture(group / f"{name}_{number}.png", np.ascontiguousarray(tile))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_the_same_recipe_on_other_photographs_is_mostly_as_real(name, scenes, tmp_path, capsys):
    recipe = write_config(tmp_path / "recipe.yml", {"scale": 1, "steps": RECIPES[name]})
    for group, seed in (("one", 1), ("other", 2)):
        arguments = [recipe, scenes / group, tmp_path / group, "-seed", seed, "-workers", 1]
        assert run_command("degrade", list(map(str, arguments))) == 0
    places = ["-clean", scenes / "one", "-generated", tmp_path / "one", "-real", tmp_path / "other"]
    arguments = [*places, "-out", tmp_path / "page.html", "-judge_steps", 1]
    assert run_command("report", list(map(str, arguments))) == 0, capsys.readouterr().err
    found = {item["key"]: item for item in json.loads((tmp_path / "page.json").read_text())["findings"]}
    grades = [item["grade"] for key, item in found.items() if key != "classifier_accuracy"]
    assert grades.count("real") >= len(grades) / 2, [f"{item['title']}: {item['sentence']}" for item in found.values()]


@pytest.mark.slow
def test_swapped_folders_are_judged_with_a_word_of_warning(scenes, tmp_path, capsys):
    recipe = write_config(tmp_path / "recipe.yml", {"scale": 1, "steps": RECIPES["noisy"]})
    assert run_command("degrade", [str(recipe), str(scenes / "one"), str(tmp_path / "noisy")]) == 0
    places = ["-clean", tmp_path / "noisy", "-generated", tmp_path / "noisy", "-real", scenes / "other"]
    assert run_command("report", list(map(str, [*places, "-out", tmp_path, "-judge_steps", 1]))) == 0
    assert "check that -clean and -real are not swapped" in capsys.readouterr().out
