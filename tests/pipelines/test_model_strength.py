"""The strength of a trained degradation, fitted to photos and stored in its file."""

import json
from dataclasses import replace

import numpy as np
import pytest

from patina.api import load_recipe
from patina.cli.main import run_command
from patina.degradations.blocks import LearnedBlock
from patina.errors import PatinaError
from patina.imaging.picture_files import write_picture
from patina.models.model_files import load_model_file, save_model_file
from patina.pipelines.model_strength import with_strength
from patina.pipelines.recipe_choice import RecipeChoice, with_engine
from patina.seeding import numpy_rng
from patina.specs.learned_spec import learned_degradation
from sets import learned_recipe, write_config
from small_ludif import write_model as write_ludif
from small_ludvae import write_model
from small_photographs import photographs

KNOBS = {"temperature": [0.5, 1.0, 1.5], "noise_level": [5.0, 10.0, 15.0]}


@pytest.fixture
def model(tmp_path):
    return write_model(tmp_path / "tiny.safetensors")


@pytest.fixture
def fitted(model, tmp_path):
    with_strength(model, KNOBS, tmp_path / "fitted.safetensors")
    return tmp_path / "fitted.safetensors"


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.usefixtures("one_process")
def test_the_temperature_of_the_photos_becomes_the_models_default(model, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("patina.pipelines.model_strength.SAMPLES", 16)
    learned = {"model": str(model), "temperature": 1.6}
    degrade = load_recipe(
        write_config(tmp_path / "truth.yml", {"scale": 1, "steps": [{"learned": learned}]}), device="cpu"
    )
    for part, crops in photographs().items():
        for number, pixels in enumerate(crops):
            photo = degrade(pixels, name=str(number)) if part == "real" else pixels
            write_picture(tmp_path / part / f"{number}.png", photo)
    folders = [str(tmp_path / "clean"), str(tmp_path / "real")]
    out = tmp_path / "strong.safetensors"
    assert run_command("strength", [str(model), *folders, "-out", str(out), "-workers", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["model"] == str(out)
    assert set(told["ranges"]) == {"temperature", "noise_level"}
    found = learned_degradation(out, device="cpu").photo_knobs
    assert np.median(found["temperature"]) == pytest.approx(1.6, rel=0.2)
    assert len(found["temperature"]) == len(found["noise_level"]) == len(photographs()["real"])
    assert learned_degradation(model, device="cpu").photo_knobs == {}


def test_every_image_draws_the_knobs_of_one_photo_unless_they_are_set(fitted):
    chosen = learned_degradation(fitted, device="cpu")
    drawn = [chosen.draw(numpy_rng(number)) for number in range(60)]
    assert {(draw["temperature"], draw["noise_level"]) for draw in drawn} == set(zip(*KNOBS.values(), strict=True))
    assert all(draw["detail"] == 0 for draw in drawn)
    set_by_user = learned_degradation(fitted, device="cpu", knobs={"temperature": 0.2})
    drawn = [set_by_user.draw(numpy_rng(number)) for number in range(20)]
    assert {draw["temperature"] for draw in drawn} == {0.2}
    assert {draw["noise_level"] for draw in drawn} == {5.0, 10.0, 15.0}


def test_recipes_draw_them_too(fitted, tmp_path):
    recipe = RecipeChoice(learned_recipe(tmp_path / "recipe.yml", fitted)).load()
    (block,) = with_engine(recipe, "cpu")[0].blocks_of(LearnedBlock)
    drawn = [block.draw(numpy_rng(number), None)["knobs"] for number in range(60)]
    assert {(knobs["temperature"], knobs["noise_level"]) for knobs in drawn} == set(zip(*KNOBS.values(), strict=True))
    assert block.at_end(True).draw(numpy_rng(0), None)["knobs"]["temperature"] == 1.5


@pytest.mark.parametrize(
    "knobs",
    [
        {"temperature": [0.5], "noise_level": [5.0, 10.0]},
        {"temperature": []},
        {"temperature": [0.5] * 10_001},
        {"temperature": [-1.0]},
        {"noise_level": [1e9]},
        {"temperature": [float("nan")]},
        {"heat": [0.5]},
        {"temperature": ["a"]},
        ["temperature"],
    ],
    ids=range(9),
)
def test_values_that_cannot_be_are_one_line(model, tmp_path, knobs):
    path = tmp_path / "odd.safetensors"
    save_model_file(path, replace(load_model_file(model), photo_knobs=knobs))
    with pytest.raises(PatinaError, match=r"odd\.safetensors: ") as caught:
        learned_degradation(path, device="cpu")
    assert "\n" not in str(caught.value)


def test_other_models_and_files_are_refused_before_anything_is_fitted(model, tmp_path, capsys):
    folders = [str(tmp_path / "none"), str(tmp_path / "none")]
    assert run_command("strength", [str(model), *folders, "-out", str(tmp_path / "recipe.yml")]) == 2
    assert "recipe.yml, expected a model file, .safetensors" in capsys.readouterr().err
    ludif = write_ludif(tmp_path / "ludif.safetensors")
    assert run_command("strength", [str(ludif), *folders, "-out", str(tmp_path / "out.safetensors")]) == 2
    assert "is not a model whose strength can be fitted, expected one of deflow, ludvae" in capsys.readouterr().err
