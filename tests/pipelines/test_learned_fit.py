"""Learning what a fit leaves: the whole chain, kept where it brings held-out photos closer and left out elsewhere."""

import json

import numpy as np
import pytest
import yaml
from PIL import Image

from patina.api import load_recipe
from patina.cli.main import run_command
from patina.errors import PatinaError
from patina.fidelity.closeness import Closeness
from patina.imaging.picture_files import list_pictures, read_picture, write_picture
from patina.pipelines.fit_report import write_fit_report
from patina.pipelines.learned_fit import LearnRequest, learn_over_fit
from patina.pipelines.photo_crops import held_out_photos, write_crops
from patina.pipelines.recipe_fit import FitRequest, fit_recipe
from sets import ludvae_values, write_config
from small_ludvae import write_model
from small_photographs import photographs

pytestmark = pytest.mark.usefixtures("one_process")


@pytest.fixture(scope="module")
def top(tmp_path_factory):
    """Write clean images, photos made by a LUD-VAE at temperature 2, and noisy ones; and a training that begins with
    this model and changes little.
    """
    top = tmp_path_factory.mktemp("learned_fit")
    model = write_model(top / "tiny.safetensors")
    learned = {"model": str(model), "temperature": 2}
    degrade = load_recipe(write_config(top / "truth.yml", {"scale": 1, "steps": [{"learned": learned}]}), device="cpu")
    rng = np.random.default_rng(0)
    for part, crops in photographs().items():
        for number, pixels in enumerate(crops):
            write_picture(top / part / f"{number}.png", degrade(pixels, name=str(number)) if part == "real" else pixels)
            noisy = (pixels + rng.normal(0, 8, pixels.shape)).clip(0, 255).round().astype(np.uint8)
            write_picture(top / "noisy" / f"{number}.png", noisy)
    np.savez(top / "kernels.npz", none=np.pad(np.ones((1, 1)), 1))
    unblurred = {"kernel_blur": {"file": "kernels.npz"}}  # a file beside the family, which the recipes must find
    family = {"scale": 1, "steps": [unblurred, {"gaussian_noise": {"sigma": {"free": [0, 20]}}}]}
    write_config(top / "family.yml", family)
    values = ludvae_values(top)
    values["model"] = {"channels": 6}
    values["noise_level"] = {"clean": 12, "real": 7}
    values["data"] |= {"patch": 32, "batch": 2, "workers": 0}
    values["training"] = {"steps": 2, "learning_rate": 1e-9, "init_from": str(model)}
    write_config(top / "tiny.yml", values)
    return top


def request(top, photos: str, name: str, **changes) -> LearnRequest:
    families = (str(top / "family.yml"),)
    fit = FitRequest(top / "clean", top / photos, top / f"{name}.yml", families, samples=16, workers=1)
    values = {"kind": str(top / "tiny.yml"), "folder": top / name, "device": "cpu", "classifier_steps": 20}
    return LearnRequest(fit, **values | changes)


@pytest.fixture
def few_samples(monkeypatch):
    monkeypatch.setattr("patina.pipelines.model_strength.SAMPLES", 16)


@pytest.mark.slow
@pytest.mark.parametrize("are_fitted", [False, True])
def test_only_the_compression_of_images_that_were_not_fitted_is_warned_of(top, tmp_path, capsys, are_fitted):
    for path in list_pictures(top / "clean"):
        Image.fromarray(read_picture(path).pixels).save(tmp_path / f"{path.stem}.jpg", quality=75)
    families = (str(top / "family.yml"),)
    fit_recipe(FitRequest(tmp_path, top / "noisy", None, families, workers=1, rounds=1, are_fitted=are_fitted))
    assert ("are JPEGs" in capsys.readouterr().err) != are_fitted


@pytest.mark.slow
@pytest.mark.long
def test_what_brings_photos_closer_is_kept(top, few_samples):
    learned = learn_over_fit(request(top, "real", "kept"))
    assert learned.is_kept, learned.sentence
    low, high = learned.knobs["temperature"]
    assert 1 < low <= high <= 2.0
    assert learned.sentence.startswith("The learned degradation is kept")
    values = yaml.safe_load((top / "kept.yml").read_text())
    assert values["steps"][-1]["learned"]["model"] == str(learned.model.resolve())
    assert values["steps"][:-1] == yaml.safe_load(learned.fit.text)["steps"]
    image, recipes = read_picture(top / "clean" / "0.png").pixels, (top / "kept.yml", top / "kept" / "fitted.yml")
    made, fitted = (np.float32(load_recipe(recipe, device="cpu")(image)) for recipe in recipes)
    assert np.abs(made - fitted).mean() > 1
    page = write_fit_report(learned.whole, request(top, "real", "kept").fit, top / "page").read_text()
    assert "The learned degradation is kept" in page


@pytest.mark.slow
@pytest.mark.long
def test_what_brings_them_no_closer_is_left_out_and_the_command_says_so(top, few_samples, monkeypatch, capsys):
    wanted = request(top, "noisy", "left")
    monkeypatch.setattr("patina.pipelines.learned_fit.learn_over_fit", lambda _request: learn_over_fit(wanted))
    arguments = [str(top / "clean"), str(top / "noisy"), "-out", str(top / "left.yml"), "--learn", "ludvae", "--json"]
    assert run_command("fit", arguments) == 0
    first = json.loads(capsys.readouterr().out)["learned"]
    assert first["kept"] is False
    assert first["sentence"].startswith("The learned degradation is left out")
    recipes = top / "left.yml", top / "left" / "fitted.yml"
    assert all(load_recipe(path, device="cpu") for path in recipes)
    values = [yaml.safe_load(path.read_text()) for path in recipes]
    assert values[0] == values[1]

    before = {path: path.stat().st_mtime_ns for path in (top / "left").rglob("*.png")}
    assert run_command("fit", arguments) == 0
    assert json.loads(capsys.readouterr().out)["learned"] == first
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_both_measures_must_be_closer():
    fit = Closeness(80, 3)
    assert Closeness(79, 2.9).beats(fit)
    for other in (Closeness(79, 3), Closeness(80, 2), Closeness(90, 2), Closeness(70, 4)):
        assert not other.beats(fit)


def test_held_out_photos_are_others_than_those_learned_from(top):
    held_out, learned = held_out_photos(request(top, "real", "any").fit)
    assert len(held_out) == 4
    assert sorted(held_out + learned) == sorted(path.name for path in list_pictures(top / "real"))


def test_crops_keep_pixels_and_are_made_once(top, tmp_path):
    photo = np.random.default_rng(1).integers(0, 65536, (700, 1100, 3)).astype(np.uint16)
    write_picture(tmp_path / "photos" / "large.png", photo)
    fit = FitRequest(top / "clean", tmp_path / "photos", None)
    write_crops(fit, ["large.png"], tmp_path / "crops")
    crops = {path.name: read_picture(path).pixels for path in list_pictures(tmp_path / "crops")}
    assert {crop.shape for crop in crops.values()} == {(512, 512, 3)}
    assert len(crops) == 4
    corners = [np.argwhere((photo == crop[0, 0]).all(axis=2))[0] for crop in crops.values()]
    assert not np.mod(corners, 16).any()
    stamp = (tmp_path / "crops" / "photo0000_0.png").stat().st_mtime_ns
    write_crops(fit, ["large.png"], tmp_path / "crops")
    assert (tmp_path / "crops" / "photo0000_0.png").stat().st_mtime_ns == stamp


def test_few_photos_and_other_tasks_are_refused_before_anything_is_computed(top, tmp_path):
    (tmp_path / "few").mkdir()
    for path in list_pictures(top / "real")[:7]:
        (tmp_path / "few" / path.name).write_bytes(path.read_bytes())
    with pytest.raises(PatinaError, match="7 photos are too few for training and a held-out test; expected 8"):
        learn_over_fit(request(tmp_path, "few", "any", kind=str(top / "tiny.yml")))
    with pytest.raises(PatinaError, match="task is restoration, expected one of"):
        learn_over_fit(request(top, "real", "any", kind="DnCNN-polyu"))


def test_the_folder_needs_the_flag(top, capsys):
    assert run_command("fit", [str(top / "clean"), str(top / "real"), "-learn_dir", "x"]) == 2
    assert "-learn_dir needs --learn" in capsys.readouterr().err
