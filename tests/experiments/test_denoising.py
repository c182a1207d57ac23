"""The denoising experiment on tiny sets, and the noise that its baseline is fitted to."""

import json
import shutil
from dataclasses import asdict

import numpy as np
import pytest
import torch

from patina.cli.main import run_command
from patina.degradations.fitted_noise import FittedGaussianNoise
from patina.errors import PatinaError
from patina.experiments.choices import Pictures
from patina.experiments.denoiser_folds import scene_folds
from patina.experiments.denoising import fitted_sigma, report
from patina.imaging.picture_files import write_picture
from patina.imaging.value_spaces import to_tensor
from patina.metrics.noise_statistics import flat_std
from patina.models.dncnn import DnCNNSettings
from patina.models.generator_files import load_generator, save_generator
from patina.models.ludvae import LUDVAE, LUDVAEArchitecture
from patina.models.model_files import ModelFile, save_model_file
from sets import deflow_values, ludvae_values, picture, write_config, write_pictures

pytestmark = pytest.mark.usefixtures("one_process")


@pytest.fixture
def folders(tmp_path):
    """Write unpaired sets, and two true pairs of each of two scenes."""
    write_pictures(tmp_path / "clean", 2)
    write_pictures(tmp_path / "real", 2, seed=50, noise=12)
    rng = np.random.default_rng(0)
    for index, name in enumerate(("toy_0_1", "toy_0_2", "plug_1", "plug_2")):
        clean = picture(80 + index)
        noisy = np.clip(clean + rng.normal(0, 12, clean.shape), 0, 255)
        write_picture(tmp_path / "test_clean" / f"{name}.png", clean)
        write_picture(tmp_path / "test_real" / f"{name}.png", np.uint8(noisy))
    return tmp_path


def pictures(folder) -> Pictures:
    return Pictures(*(folder / name for name in ("clean", "real", "test_real", "test_clean")))


def denoiser_values(folder, **model) -> dict:
    return {
        "task": "restoration",
        "name": "denoiser",
        "model": {"architecture": "dncnn", "features": 4, "layers": 8} | model,
        "data": {"lq": str(folder / "clean"), "gt": str(folder / "clean"), "patch": 16, "batch": 2, "workers": 0},
        "stages": [{"name": "psnr", "steps": 2, "learning_rate": 1e-3}],
    }


def run(folder, *options, **model) -> int:
    config = write_config(folder / "denoiser.yml", denoiser_values(folder, **model))
    places = [f"-{name}={folder / name}" for name in ("clean", "real", "test_real", "test_clean")]
    arguments = ["-opt", str(config), *places, "-out", str(folder / "out"), "-device", "cpu"]
    return run_command("denoise", [*arguments, *map(str, options)])


@pytest.fixture
def model(folders):
    path = folders / "model.safetensors"
    network = LUDVAE(LUDVAEArchitecture(channels=4))
    statistics = {name: {"mean": [0] * 3, "std": [255] * 3, "pixels": 0} for name in ("clean_image", "real_image")}
    configuration = {"architecture": asdict(network.architecture), "noise_level": {"clean": 10, "real": 8}}
    save_model_file(path, ModelFile("ludvae", configuration, network.state_dict(), statistics))
    return path


@pytest.mark.slow
def test_every_method_is_trained_and_measured(folders, model, capsys):
    assert run(folders, "-learned", f"ours={model}", "-seeds", 0, 1) == 0
    scores = json.loads((folders / "out/results.json").read_text())
    assert list(scores) == ["nothing", "Gaussian", "ours", "real-pairs"]
    assert [len(item) for item in scores.values()] == [1, 2, 2, 2]
    trained = {path.name for path in (folders / "out/runs").iterdir()}
    pairs = {f"{method}-all-seed{seed}" for method in ("Gaussian", "ours") for seed in (0, 1)}
    assert trained == pairs | {f"real-pairs-{scene}-seed{seed}" for scene in ("toy", "plug") for seed in (0, 1)}
    table = capsys.readouterr().out
    assert table.count("|") > 40
    assert (folders / "out/results.md").read_text() == table
    assert (folders / "out/sheet.png").is_file()


@pytest.mark.slow
def test_a_second_call_trains_nothing_again(folders, model):
    assert run(folders, "-learned", f"ours={model}", "-seeds", 0) == 0
    states = {path: path.stat().st_mtime_ns for path in (folders / "out").glob("runs/*/psnr/models/*")}
    first = (folders / "out/results.md").read_text()
    assert run(folders, "-learned", f"ours={model}", "-seeds", 0) == 0
    assert {path: path.stat().st_mtime_ns for path in states} == states
    assert (folders / "out/results.md").read_text() == first


@pytest.mark.slow
def test_knobs_can_be_set(folders, model):
    assert run(folders, "-learned", f"ours={model},temperature=0,detail=1", "-seeds", 0) == 0
    line = json.loads((folders / "out/pairs/ours/log.jsonl").read_text().splitlines()[1])
    assert (line["parameters"]["temperature"], line["parameters"]["detail"]) == (0, 1)


@pytest.mark.slow
def test_a_configuration_is_trained_first_on_the_pictures_given(folders, capsys):
    values = ludvae_values(folders, steps=1) | {"runs": str(folders / "learned_runs")}
    values["data"] |= {"clean": "nowhere", "real": "nowhere"}
    config = write_config(folders / "tiny.yml", values)
    assert run(folders, "-learned", f"ours={config}", "-seeds", 0) == 0
    assert (folders / "learned_runs/tiny/models/final.safetensors").is_file()
    # Another call with other pictures says that the model has not seen them.
    shutil.move(folders / "clean", folders / "others")
    assert run(folders, f"-clean={folders / 'others'}", "-learned", f"ours={config}", "-seeds", 0) == 0
    assert "tiny: the run began with other values of data.clean" in capsys.readouterr().err


@pytest.mark.slow
def test_a_deflow_is_trained_on_sets_of_the_pictures_given_or_not_at_all(folders, capsys):
    for name in ("clean", "real"):
        (folders / name).rename(folders / f"{name}_pictures")
    config = str(write_config(folders / "tiny.yml", deflow_values(folders, steps=1)))
    places = [f"-{name}={folders / name}_pictures" for name in ("clean", "real")]
    arguments = [*places, "-learned", f"ours={config}", "-seeds", 0]
    assert run(folders, *arguments) == 0
    assert sorted(path.name for path in (folders / "clean").glob("*x")) == ["1x", "4x"]
    # A set of other pictures is not taken for one of those.
    shutil.rmtree(folders / "runs")
    others = [path.rename(path.with_name(f"other_{path.name}")) for path in (folders / "clean_pictures").iterdir()]
    folders.joinpath("others").mkdir()
    for path in others:
        path.rename(folders / "others" / path.name)
    arguments = [f"-clean={folders / 'others'}", *arguments[1:], "-out", folders / "out2"]
    assert run(folders, *arguments) == 2
    assert f"{folders / 'clean'} was made of {folders / 'clean_pictures'}" in capsys.readouterr().err
    assert not (folders / "runs").exists()


@pytest.mark.slow
def test_methods_of_one_configuration_share_its_training(folders, capsys):
    values = ludvae_values(folders, steps=1) | {"runs": str(folders / "learned_runs")}
    config = write_config(folders / "tiny.yml", values)
    assert run(folders, "-learned", f"ours={config}", f"detail={config},detail=1", "-seeds", 0) == 0
    assert "train tiny\n" in capsys.readouterr().err
    assert list(json.loads((folders / "out/results.json").read_text())) == [
        "nothing", "Gaussian", "ours", "detail", "real-pairs"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("learned", "expected"),
    [
        ("LUDVAE-polyu", "-learned is 'LUDVAE-polyu', expected NAME=MODEL"),
        ("Gaussian=x.safetensors", "two methods are named 'Gaussian'"),
        ("a/b=x.safetensors", "expected NAME=MODEL"),
        ("ours=x.safetensors,temperature", "'' is neither a number nor a range"),
        ("ours=DnCNN-polyu", "task is restoration, expected one of deflow, ludvae"),
    ],
)
def test_a_wrong_model_is_one_line(folders, capsys, learned, expected):
    assert run(folders, "-learned", learned) == 2
    assert expected in capsys.readouterr().err


def test_a_denoiser_has_scale_1(folders, model, capsys):
    config = write_config(folders / "x2.yml", denoiser_values(folders) | {"model": {"scale": 2}})
    assert run_command("denoise", ["-opt", str(config), "-learned", f"ours={model}"]) == 2
    assert "expected task restoration with model.scale 1" in capsys.readouterr().err


def test_scenes_are_tested_by_what_others_teach(folders):
    folds = scene_folds(pictures(folders), folders / "scenes")
    for fold in folds:
        stems = [{path.stem.split("_")[0] for path in part.iterdir()} for part in (fold.lq, fold.gt)]
        tested = [{path.stem.split("_")[0] for path in part.iterdir()} for part in (fold.test_real, fold.test_clean)]
        assert tested == [{fold.name}] * 2
        assert stems == [{"toy", "plug"} - {fold.name}] * 2


def test_one_scene_alone_has_no_upper_bound(folders):
    for name in ("test_real", "test_clean"):
        for path in (folders / name).glob("plug*"):
            path.unlink()
    assert scene_folds(pictures(folders), folders / "scenes") == []


def test_gaussian_noise_has_its_deviation_and_comes_from_the_key():
    noise = FittedGaussianNoise([5, 10, 15])
    image = torch.full((3, 100, 100), 0.5)
    results = [noise.apply(image, noise.draw(np.random.default_rng(0)), key) for key in (1, 1, 2)]
    torch.testing.assert_close(255 * results[0].std(dim=(1, 2)), torch.tensor([5.0, 10.0, 15.0]), rtol=0.05, atol=0)
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


class TestFittedSigma:
    def test_it_is_what_was_added(self, tmp_path):
        write_pictures(tmp_path / "clean", 3, height=128, width=128)
        write_pictures(tmp_path / "real", 3, seed=10, noise=8, height=128, width=128)
        assert fitted_sigma(tmp_path / "real", tmp_path / "clean") == pytest.approx([8, 8, 8], rel=0.08)

    def test_sets_the_wrong_way_round_are_named(self, tmp_path):
        write_pictures(tmp_path / "clean", 2)
        write_pictures(tmp_path / "real", 2, noise=8)
        with pytest.raises(PatinaError, match="is not noisier than"):
            fitted_sigma(tmp_path / "clean", tmp_path / "real")

    def test_a_slope_is_no_noise_and_correlation_does_not_hide_it(self):
        y, x = np.mgrid[:64, :64].astype(float)
        slope = np.stack([2 * x + y, 3 * y, x], axis=-1)
        np.testing.assert_allclose(flat_std(slope), 0, atol=1e-6)
        white = np.random.default_rng(0).normal(0, 5, (129, 129, 3))
        correlated = (white[:-1, :-1] + white[1:, :-1] + white[:-1, 1:] + white[1:, 1:]) / 2
        np.testing.assert_allclose(flat_std(correlated), 5, rtol=0.15)


def test_a_single_seed_has_no_spread():
    text = report({"nothing": np.array([[30.0, 0.8]]), "ours": np.array([[31.0, 0.9], [32.0, 0.9]])}, [0, 1], [1, 2, 3])
    assert "| (no denoiser) | 30.00 | 0.8000 |" in text
    assert "| ours | 31.50 ± 0.71 | 0.9000 |" in text


def test_a_saved_denoiser_opens_as_one(tmp_path):
    torch.manual_seed(0)
    network = DnCNNSettings(features=4, layers=8).build()
    save_generator(network, tmp_path / "model.safetensors")
    opened = load_generator(tmp_path / "model.safetensors")
    image = to_tensor(picture(1))[None]
    assert opened.scale == 1
    torch.testing.assert_close(opened.model(image), network.eval()(image))
