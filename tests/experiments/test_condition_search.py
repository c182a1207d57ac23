"""The search for the map h: what candidates hide, what they keep, and which is recommended."""

import json

import numpy as np
import pytest
import torch

from patina.cli.main import run_command
from patina.conditions.autoencoder import train_autoencoder
from patina.conditions.inverse import content_kept
from patina.conditions.steps import Autoencoder
from patina.experiments import condition_search
from patina.experiments.condition_report import Candidate, ConditionSearchResult, recommended, report
from patina.imaging.picture_files import write_picture
from patina.imaging.value_spaces import to_tensor
from patina.metrics.two_sample import TwoSampleResult
from patina.models.model_files import ModelFile, save_model_file
from sets import deflow_values, picture, write_config

CANDIDATES = {
    "shown": [{"downscale": {"factor": 4}}],
    "hidden": [{"downscale": {"factor": 4}}, {"add_gaussian": {"sigma": 1.0}}],
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Write clean and real pictures; the real ones have noise that survives the downscaling."""
    folder = tmp_path_factory.mktemp("check-h")
    rng = np.random.default_rng(0)
    for index in range(8):
        for side, offset in (("clean", 0), ("real", 40)):
            pixels = picture(offset + index, 96, 96).astype(float)
            coarse = rng.normal(0, 50, (24, 24, 3)).repeat(4, axis=0).repeat(4, axis=1)
            write_picture(folder / side / f"{index}.png", np.uint8((pixels + (side == "real") * coarse).clip(0, 255)))
    values = deflow_values(folder) | {"condition_noise": 0.02}
    values["data"]["match_statistics"] = False
    write_config(folder / "tiny.yml", values)
    write_config(folder / "candidates.yml", CANDIDATES)
    return folder


def check(folders, *options) -> int:
    places = [folders / "clean", folders / "real", "-opt", folders / "tiny.yml"]
    return run_command("check-h", [*map(str, places), "-judge_steps", "40", "-inverse_steps", "20", *map(str, options)])


@pytest.mark.long
@pytest.mark.slow
def test_it_tells_what_hides_and_what_keeps(folders, tmp_path, capsys):
    assert check(folders, "-candidates", folders / "candidates.yml", "-out", tmp_path / "h.md", "--json") == 0
    values = json.loads(capsys.readouterr().out)
    found = {item["name"]: item for item in values["candidates"]}
    assert set(found) == {"shown", "hidden", "configured"}
    assert found["shown"]["accuracy"] > 0.9
    assert found["hidden"]["low"] <= 0.5 <= found["hidden"]["high"]
    assert found["shown"]["content"] > found["hidden"]["content"] + 3
    assert values["recommended"] == ("configured" if values["control"]["low"] <= 0.5 else "hidden")
    assert values["images"]["accuracy"] > 0.8
    text = (tmp_path / "h.md").read_text()
    assert "| (the images themselves) |" in text
    assert "| (Gaussian baseline against none, only downscaled) |" in text
    assert ("may be blind" in text) == (values["control"]["low"] <= 0.5)
    sigma = {"hidden": 1.0, "configured": 0.02}[values["recommended"]]
    assert f"Recommended: {values['recommended']}" in text
    assert f"- add_gaussian: {{sigma: {sigma}}}" in text
    assert values == json.loads((tmp_path / "h.json").read_text())


@pytest.mark.slow
def test_the_built_in_list_has_every_step(folders, capsys, monkeypatch):
    def briefly(pictures, settings, seed):
        return train_autoencoder(pictures, settings.model_copy(update={"steps": 1}), seed)

    monkeypatch.setattr(condition_search, "train_autoencoder", briefly)
    arguments = ["-judge_steps", 1, "-inverse_steps", 1, "-pictures", 4]
    assert check(folders, *arguments, "--json") == 0
    found = json.loads(capsys.readouterr().out)["candidates"]
    keys = {key for item in found for step in item["steps"] for key in step}
    filters = {"downscale", "smooth", "median", "bilateral", "non_local_means", "autoencoder"}
    assert keys == filters | {"add_gaussian", "multiply_noise"}
    assert all(np.isfinite(item["content"]) for item in found)


def test_the_most_content_among_what_hides_is_recommended():
    def candidate(name, low, content, accuracy=0.6):
        return Candidate(name, [], accuracy, low, 0.7, content)

    hiding = [candidate("a", 0.4, 20), candidate("b", 0.45, 25), candidate("c", 0.6, 40)]
    assert recommended(hiding).name == "b"
    told = [candidate("a", 0.8, 20, 0.9), candidate("b", 0.7, 10, 0.8)]
    assert recommended(told).name == "b"


def test_a_blind_test_says_so():
    told, chance = TwoSampleResult(0.9, 0.8, 1.0), TwoSampleResult(0.52, 0.45, 0.59)
    candidate = Candidate("a", [{"autoencoder": {"file": "denoiser.safetensors"}}], 0.5, 0.4, 0.6, 30.0)

    def text(images, control):
        return report(ConditionSearchResult([candidate], candidate, images, control))

    assert "does not even distinguish the images themselves" in text(chance, told)
    assert "does not see noise as strong as the real one" in text(told, chance)
    assert "blind" not in text(told, told)
    assert "blind" not in text(told, None)


@pytest.mark.slow
def test_what_is_recommended_can_be_pasted(folders, tmp_path, capsys):
    """A network from a file is still from that file."""
    network = train_autoencoder([picture(0, 32, 32)], Autoencoder(features=8, steps=1), 0)
    file = ModelFile("autoencoder", {"features": 8}, network.state_dict())
    save_model_file(tmp_path / "denoiser.safetensors", file)
    steps = [{"autoencoder": {"file": str(tmp_path / "denoiser.safetensors"), "features": 8}}, CANDIDATES["shown"][0]]
    write_config(tmp_path / "candidates.yml", {"denoised": steps, "configured": CANDIDATES["shown"]})
    options = ["-candidates", tmp_path / "candidates.yml", "-pictures", 4, "-judge_steps", 1, "-inverse_steps", 1]
    assert check(folders, *options, "--json") == 0
    found = {item["name"]: item["steps"] for item in json.loads(capsys.readouterr().out)["candidates"]}
    assert found["denoised"][0]["autoencoder"]["file"] == str(tmp_path / "denoiser.safetensors")


@pytest.mark.slow
def test_content_is_what_a_network_can_bring_back():
    images = [to_tensor(picture(seed, 64, 64)) for seed in range(6)]
    small = [torch.nn.functional.avg_pool2d(image, 4) for image in images]
    nothing = [torch.full_like(item, 0.5) for item in small]
    held = [False] * 4 + [True] * 2
    kept, lost = (content_kept(item, images, held, seed=0, steps=60) for item in (small, nothing))
    assert kept > lost + 5


def test_mistakes_are_one_line(folders, tmp_path, capsys):
    write_config(tmp_path / "wrong.yml", {"a": [{"median": {"size": 3}}]})
    assert check(folders, "-candidates", tmp_path / "wrong.yml") == 2
    assert "downscales by 1, expected model.scale, 4" in capsys.readouterr().err
    write_config(tmp_path / "wrong.yml", {"a": [{"medan": {"size": 3}}]})
    assert check(folders, "-candidates", tmp_path / "wrong.yml") == 2
    assert "did you mean median?" in capsys.readouterr().err
    assert run_command("check-h", [str(folders / "clean"), str(folders / "real"), "-opt", "LUDVAE-polyu"]) == 2
    assert "expected deflow" in capsys.readouterr().err
