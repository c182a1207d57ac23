"""A recipe shown step by step, and its speed measured."""

import re

import numpy as np
import pytest
import yaml

from degraded_sets import run
from patina.degradations.recipe import parse_recipe
from patina.imaging.picture_files import picture_size
from patina.pipelines.recipe_preview import preview_rows
from sets import learned_recipe, write_deflow_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_deflow_model(tmp_path_factory.mktemp("model"))


def test_preview_shows_every_step(clean, recipe, model, tmp_path, capsys):
    sheet = tmp_path / "sheet.png"
    assert run("preview", recipe, clean / "0.png", "-out", sheet, "-side", 32) == 0
    height, width = picture_size(sheet)
    assert height > 6 * 32
    assert width > 4 * 32
    assert run("preview", recipe, clean / "0.png", "-out", sheet, "-side", 32, "-variant", "plain") == 0
    assert picture_size(sheet)[0] < height - 3 * 32
    assert re.search(r": [02-9] steps of .*\n.*: 1 step of ", capsys.readouterr().out)
    learned = learned_recipe(tmp_path / "learned.yml", model)
    assert run("preview", learned, clean / "0.png", "-out", tmp_path / "b.png", "-side", 64, "-device", "cpu") == 0


def test_the_ends_of_a_fitted_recipe_are_those_of_all_photos():
    profiles = [
        [{"gaussian_noise": {"sigma": 2.0 + photo}}, {"jpeg": {"quality": 90}}, {"jpeg": {"quality": 40 + 27 * photo}}]
        for photo in range(3)
    ]
    choices = [{"steps": [{"resize": {"filter": "matlab_bicubic", "of": "target"}}, *steps]} for steps in profiles]
    values = {"scale": 1, "fitted": True, "steps": [{"one_of": {"choices": choices}}]}
    clean = np.full((32, 32, 3), 0.5, np.float32)
    rows = preview_rows(parse_recipe(values, "fitted.yml"), "", clean, 0, "photo.png")
    assert len(rows) == 3  # the resize changes nothing
    noise = rows[0]
    assert np.std(noise.mildest - clean) * 255 == pytest.approx(2, rel=0.1)
    assert np.std(noise.strongest - clean) * 255 == pytest.approx(4, rel=0.1)
    assert np.array_equal(rows[1].mildest, rows[1].strongest)  # the first JPEG is the same in all photos
    assert not np.array_equal(rows[2].mildest, rows[2].strongest)


def test_preview_refuses_what_it_cannot_show(clean, recipe, tmp_path, capsys):
    assert run("preview", recipe, clean / "0.png", "-variant", "bad", "plain") == 2
    assert run("preview", recipe, clean / "0.png", "-zoom", 0) == 2
    assert run("preview", recipe, clean / "nothing.png") == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 3


@pytest.mark.parametrize("flags", [("-pictures", 0), ("-side", 1)])
def test_the_benchmark_needs_pictures_of_some_size(recipe, capsys, flags):
    assert run("benchmark", recipe, *flags) == 2
    assert capsys.readouterr().err == f"error: {flags[0]} is {flags[1]}, expected {1 if flags[1] == 0 else 2} or more\n"


def test_the_benchmark_measures(recipe, capsys):
    assert run("benchmark", recipe, "-pictures", 14, "-side", 64, "-workers", 1) == 0
    told = capsys.readouterr().out
    assert "bad: 14 images of 64x64" in told
    assert "per second" in told


def test_a_recipe_file_is_yaml_like_any_other(tmp_path, clean):
    (tmp_path / "r.yml").write_text(yaml.safe_dump({"scale": 2, "steps": {"down_up": None}}), encoding="utf-8")
    assert run("degrade", tmp_path / "r.yml", clean, tmp_path / "out", "-workers", 1) == 0
    assert picture_size(tmp_path / "out" / "deep.png") == (24, 32)
