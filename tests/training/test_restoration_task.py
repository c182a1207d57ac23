"""Training super-resolution on pairs in stages, and testing it, as a user runs both."""

import json
import re
import shutil

import pytest
import torch

from patina.cli.main import run_command
from patina.imaging.picture_files import list_pictures, read_picture
from patina.models.compact import CompactSettings
from patina.models.generator_files import load_generator, save_generator
from patina.models.model_files import load_model_file
from patina.pipelines.multiscale_set import prepare
from patina.runs.run_log import read_log
from sets import write_config, write_pictures


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    prepare(write_pictures(folder / "pictures", 3, height=64, width=80), folder, [1, 2, 4], workers=1)
    return folder


L1 = {"type": "l1", "weight": 0.01}
GAN = {"type": "gan", "weight": 0.005, "discriminator": {"features": 8}}


def stage(name: str, **changes) -> dict:
    values = {"name": name, "steps": 2, "log_every": 1, "validate_every": 2, "save_every": 2}
    return values | {"losses": [{"type": "l1"}]} | changes


def values(pairs, tmp_path, scale: int = 2, **changes) -> dict:
    return {
        "task": "restoration",
        "name": "tiny",
        "runs": str(tmp_path / "runs"),
        "model": {"scale": scale, "features": 8, "blocks": 1, "growth": 4},
        "data": {"lq": str(pairs / f"{scale}x"), "gt": str(pairs / "1x"), "patch": 32, "batch": 2, "workers": 0},
        "validation": {"lq": str(pairs / f"{scale}x"), "gt": str(pairs / "1x"), "pictures": 1},
        "stages": [stage("psnr"), stage("gan", losses=[L1, GAN])],
    } | changes


def train(tmp_path, config: dict, *flags: str) -> int:
    return run_command("train", ["-opt", str(write_config(tmp_path / "tiny.yml", config)), "-device", "cpu", *flags])


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_both_stages_train_and_the_result_opens_in_spandrel(pairs, tmp_path, scale):
    assert train(tmp_path, values(pairs, tmp_path, scale)) == 0
    for name in ("psnr", "gan"):
        run = tmp_path / "runs" / "tiny" / name
        lines = read_log(run)
        assert {"l1", "discriminator", "gan"} & lines[0].keys() == (
            {"l1"} if name == "psnr" else {"l1", "discriminator", "gan"}
        )
        assert next(line for line in lines if line["part"] == "valid").keys() >= {"psnr", "ssim"}
        assert (run / "previews/0000002/results.png").is_file()
        assert load_generator(run / "models/final.safetensors").scale == scale


def test_the_second_stage_starts_from_the_first(pairs, tmp_path):
    stages = [stage("psnr"), stage("again", learning_rate=1e-12)]
    assert train(tmp_path, values(pairs, tmp_path, stages=stages)) == 0
    first, second = (
        load_generator(tmp_path / "runs/tiny" / name / "models/final.safetensors").model.state_dict()
        for name in ("psnr", "again")
    )
    for name, value in first.items():
        torch.testing.assert_close(second[name], value, atol=1e-6, rtol=0)


@pytest.mark.slow
def test_an_interrupted_gan_stage_equals_an_uninterrupted_one(pairs, tmp_path):
    finals = []
    for name in ("whole", "cut"):
        config = values(pairs, tmp_path, name=name)
        config["stages"][1]["steps"] = 4
        assert train(tmp_path, config) == 0
        run = tmp_path / "runs" / name / "gan"
        if name == "cut":
            (run / "training_state/4.state").unlink()
            (run / "models/final.safetensors").unlink()
            assert train(tmp_path, config) == 0
        finals.append(load_generator(run / "models/final.safetensors").model.state_dict())
    assert all(torch.equal(finals[0][name], value) for name, value in finals[1].items())


def test_a_compact_network_learns(pairs, tmp_path):
    config = values(pairs, tmp_path, model={"architecture": "compact", "scale": 2, "features": 8, "blocks": 2})
    config["stages"] = [stage("psnr", steps=40, learning_rate=1e-3, validate_every=20, save_every=20)]
    assert train(tmp_path, config) == 0
    lines = read_log(tmp_path / "runs/tiny/psnr")
    psnr = [line["psnr"] for line in lines if line["part"] == "valid"]
    assert psnr[1] > psnr[0]


LATE = {
    "start": ({"init_from": "missing.pth"}, "missing.pth: no such model file"),
    "start that does not fit": ({"init_from": "other.pth"}, "other.pth: it holds a SRVGGNetCompact"),
    "patch of the discriminator": (
        {"losses": [GAN], "patch": 16},
        "patch is 16, expected at least 32 pixels for the discriminator vgg",
    ),
}


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("flags", [[], ["--dry-run"]])
@pytest.mark.parametrize("missing", LATE)
def test_what_a_later_stage_lacks_is_told_before_the_first(pairs, tmp_path, capsys, missing, flags):
    changes, expected = LATE[missing]
    save_generator(CompactSettings(scale=2, features=8, blocks=1).build(), tmp_path / "other.pth")
    config = values(pairs, tmp_path, stages=[stage("psnr"), stage("late", **changes)])
    assert train(tmp_path, config, *flags) == 2
    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(error) == 1
    assert error[0].startswith("error: stage late: ")
    assert expected in error[0]
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("flags", [[], ["--dry-run"]])
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"lq": "recipe.yml"}, "recipe.yml"),
        ({"lq": "nowhere"}, "nowhere does not exist"),
        ({}, "80x64 pixels, smaller than the patch of 128"),
    ],
)
def test_data_that_a_later_stage_cannot_use_is_told_before_the_first(pairs, tmp_path, capsys, data, expected, flags):
    config = values(pairs, tmp_path, stages=[stage("psnr"), stage("late", patch={1: 32, 2: 128})])
    config["data"] |= data
    assert train(tmp_path, config, *flags) == 2
    assert expected in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "runs").exists()


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("loss", ["perceptual", "dists"])
def test_a_dry_run_downloads_nothing(pairs, tmp_path, capsys, monkeypatch, loss):
    asked = []
    monkeypatch.setattr("torch.hub.download_url_to_file", lambda url, *_, **__: asked.append(url))
    assert train(tmp_path, values(pairs, tmp_path, stages=[stage("late", losses=["l1", loss])]), "--dry-run") == 2
    told = capsys.readouterr().err
    assert not asked
    assert "Downloading" not in told
    assert "is not there (training downloads it)" in told


@pytest.mark.usefixtures("hub")
def test_all_that_is_lacking_is_told_at_once(pairs, tmp_path, capsys):
    late = stage("late", losses=["l1", "perceptual"], init_from="missing.pth")
    config = values(pairs, tmp_path, stages=[stage("psnr"), late])
    config["data"]["lq"] = "nowhere"
    config["validation"]["gt"] = "neither"
    assert train(tmp_path, config, "--dry-run") == 2
    told = capsys.readouterr().err.splitlines()[-1]
    for expected in ("nowhere does not exist", "neither does not exist", "missing.pth"):
        assert expected in told


@pytest.mark.slow
@pytest.mark.usefixtures("hub")
def test_weights_of_a_later_stage_may_come_later(pairs, tmp_path, capsys):
    config = values(pairs, tmp_path, stages=[stage("psnr", steps=2), stage("late", losses=["l1", "perceptual"])])
    assert train(tmp_path, config, "--dry-run") == 0
    assert "all fit; stage late needs weights when it begins: " in capsys.readouterr().out
    assert train(tmp_path, config) == 2
    told = capsys.readouterr().err
    assert "warning: stage late needs weights when it begins: " in told
    assert told.splitlines()[-1].startswith("error: ")
    assert "vgg19-dcbb9e9d.pth is not there" in told.splitlines()[-1]
    assert (tmp_path / "runs/tiny/psnr/models/final.safetensors").is_file()


@pytest.mark.slow
def test_a_stage_may_name_what_an_earlier_one_writes(pairs, tmp_path, capsys):
    stages = [stage("psnr", steps=4), stage("late", init_from="runs/tiny/psnr/models/2.safetensors")]
    config = values(pairs, tmp_path, stages=stages)
    assert train(tmp_path, config, "--dry-run") == 0
    assert capsys.readouterr().out.endswith("# 3 pairs, all fit; nothing is missing\n")
    assert not (tmp_path / "runs").exists()
    assert train(tmp_path, config) == 0


@pytest.mark.slow
def test_a_stage_of_an_earlier_one_that_was_trained_further_is_refused(pairs, tmp_path, capsys):
    assert train(tmp_path, values(pairs, tmp_path, stages=[stage("net"), stage("late")])) == 0
    longer = values(pairs, tmp_path, stages=[stage("net", steps=3), stage("late")])
    assert train(tmp_path, longer) == 2
    message = capsys.readouterr().err.splitlines()[-1]
    models = r"model final\.safetensors \(\w+\), now final\.safetensors \(\w+\)"
    assert re.search(rf"tiny-late: was made with {models}; put that model back, or remove", message)
    shutil.rmtree(tmp_path / "runs/tiny/late")
    assert train(tmp_path, longer) == 0
    assert train(tmp_path, longer) == 0


def test_a_missing_partner_is_refused_with_both_names(pairs, tmp_path, capsys):
    lq = write_pictures(tmp_path / "lq", 2, height=32, width=40)
    config = values(pairs, tmp_path)
    config["data"]["lq"] = str(lq)
    assert train(tmp_path, config) == 2
    assert "2.png" in capsys.readouterr().err
    (lq / "0.png").rename(lq / "2.png")
    assert not (tmp_path / "runs/tiny/psnr/models/final.safetensors").exists()


class TestTestVerb:
    def config(self, pairs, tmp_path, model, **changes) -> dict:
        return {
            "task": "test",
            "name": "test-tiny",
            "model": str(model),
            "out": str(tmp_path / "results"),
            "lpips": False,
            "crop_border": 2,
            "sets": [
                {"name": "measured", "lq": str(pairs / "2x"), "gt": str(pairs / "1x")},
                {"name": "unmeasured", "lq": str(pairs / "4x")},
            ],
        } | changes

    def run(self, tmp_path, config: dict) -> int:
        return run_command("test", ["-opt", str(write_config(tmp_path / "test.yml", config)), "-device", "cpu"])

    @pytest.mark.slow
    def test_a_trained_model_is_measured(self, pairs, tmp_path, capsys):
        assert train(tmp_path, values(pairs, tmp_path)) == 0
        model = "runs/tiny/gan/models/final.safetensors"  # from the configuration's folder, as every path
        assert self.run(tmp_path, self.config(pairs, tmp_path, model)) == 0
        assert "mean of 3" in capsys.readouterr().out
        scores = json.loads((tmp_path / "results/measured/scores.json").read_text())
        assert scores["crop_border"] == 2
        assert len(scores["images"]) == 3
        assert (tmp_path / "results/measured/scores.csv").is_file()
        assert read_picture(list_pictures(tmp_path / "results/unmeasured")[0]).pixels.shape == (32, 40, 3)

    def test_bicubic_is_a_model(self, pairs, tmp_path):
        config = self.config(pairs, tmp_path, "bicubic", scale=2)
        assert self.run(tmp_path, config) == 0
        scores = json.loads((tmp_path / "results/measured/scores.json").read_text())
        assert scores["mean"]["psnr"] > 25

    def test_results_of_another_model_are_replaced(self, pairs, tmp_path):
        found = []
        for model in ("bicubic", "nearest"):
            assert self.run(tmp_path, self.config(pairs, tmp_path, model, scale=2)) == 0
            found.append(json.loads((tmp_path / "results/measured/scores.json").read_text())["mean"]["psnr"])
        assert found[0] > found[1] + 0.5

    def test_a_broken_input_is_named_and_the_others_are_measured(self, pairs, tmp_path, capsys):
        lq = tmp_path / "lq"
        lq.mkdir()
        for path in list_pictures(pairs / "2x"):
            data = path.read_bytes()
            (lq / path.name).write_bytes(data[:200] if path.stem == "1" else data)
        config = self.config(pairs, tmp_path, "bicubic", scale=2)
        config["sets"] = [{"name": "measured", "lq": str(lq), "gt": str(pairs / "1x")}]
        assert self.run(tmp_path, config) == 1
        assert "1.png" in capsys.readouterr().err
        scores = json.loads((tmp_path / "results/measured/scores.json").read_text())
        assert [score["image"] for score in scores["images"]] == ["0", "2"]


def test_a_deflow_file_is_no_generator_and_the_other_way_round(pairs, tmp_path, capsys):
    assert train(tmp_path, values(pairs, tmp_path)) == 0
    model = tmp_path / "runs/tiny/psnr/models/final.safetensors"
    arguments = ["-model_path", str(model), "-source_dir", str(pairs / "2x"), "-out_dir", str(tmp_path / "out")]
    assert run_command("translate", arguments) == 2
    assert "has no metadata of Patina" in capsys.readouterr().err
    with pytest.raises(Exception, match="has no metadata of Patina"):
        load_model_file(model)
