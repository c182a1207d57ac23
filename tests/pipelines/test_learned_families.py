"""Fitting the knobs of a learned degradation to photos."""

import numpy as np
import pytest
import yaml

from patina.api import load_recipe
from patina.errors import PatinaError
from patina.fitting.family import load_family
from patina.imaging.picture_files import list_pictures, read_picture, write_picture
from patina.pipelines.fit_report import write_fit_report
from patina.pipelines.learned_families import with_models
from patina.pipelines.recipe_fit import FitRequest, fit_recipe
from sets import write_config
from small_ludvae import write_model
from small_photographs import photographs

pytestmark = pytest.mark.usefixtures("one_process")


@pytest.fixture(scope="module")
def top(tmp_path_factory):
    """Write clean images, a model, its family, and photos that the model made of other images at temperature 2."""
    top = tmp_path_factory.mktemp("learned")
    write_model(top / "models" / "tiny.safetensors")
    learned = {"model": "models/tiny.safetensors", "temperature": {"free": [0, 4]}}
    write_config(top / "family.yml", {"scale": 1, "steps": [{"learned": learned}]})
    truth = {"scale": 1, "steps": [{"learned": {**learned, "temperature": 2}}]}
    degrade = load_recipe(write_config(top / "truth.yml", truth), device="cpu")
    for part, crops in photographs().items():
        for number, pixels in enumerate(crops):
            pixels = pixels[:96, :96]
            made = degrade(pixels, name=str(number)) if part == "real" else pixels
            write_picture(top / part / f"{number}.png", made)
    return top


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.usefixtures("folder_processes")
def test_the_temperature_of_a_model_is_found(top):
    request = FitRequest(
        top / "clean", top / "real", top / "out" / "fitted.yml", (str(top / "family.yml"),), samples=64
    )
    fit = fit_recipe(request)
    place = [number.name for number in fit.match.family.free].index("learned.temperature")
    assert fit.match.family.free[place].value(fit.match.population.mean[place]) == pytest.approx(2, rel=0.2)
    (choice, *_) = yaml.safe_load(fit.text)["steps"][0]["one_of"]["choices"]
    settings = choice["steps"][0]["learned"]
    assert settings["model"] == str(top / "models" / "tiny.safetensors")
    assert {"noise_level", "detail"} <= set(settings)  # said, though the family left them to the model
    # The recipe is used like any other, wherever it lies.
    image = read_picture(list_pictures(top / "clean")[0]).pixels
    assert np.std(np.float32(load_recipe(request.out, device="cpu")(image)) - image) > 1
    page = write_fit_report(fit, request, top / "out").read_text()
    assert "Temperature of the learned degradation" in page


def test_a_missing_model_and_an_unknown_knob_are_named(top):
    for learned, message in (
        ({"model": "gone.safetensors", "temperature": {"free": [0, 2]}}, "no such model file"),
        ({"model": "models/tiny.safetensors", "warmth": {"free": [0, 2]}}, "unknown knob 'warmth'"),
    ):
        family = load_family(write_config(top / "wrong.yml", {"scale": 1, "steps": [{"learned": learned}]}))
        with pytest.raises(PatinaError, match=message):
            with_models(family)


def test_families_without_models_stay_as_they_are():
    family = load_family("camera")
    assert with_models(family) is family
