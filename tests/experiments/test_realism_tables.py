"""The experiment over methods and seeds, on tiny sets."""

import json

import numpy as np
import pytest

from noisy_samples import smooth
from patina.cli.main import run_command
from patina.degradations.fitted_noise import FittedGaussianNoise
from patina.experiments.choices import Pictures
from patina.experiments.denoiser_folds import (
    denoiser_config,
    fold_config,
    fold_score,
    like_real_folds,
    scene_folds,
)
from patina.experiments.parallel_training import train_all
from patina.experiments.realism_tables import report
from patina.fitting.search import Search
from patina.imaging.picture_files import write_picture
from patina.metrics.residuals import pgap
from sets import ludvae_values, write_config, write_pictures

pytestmark = pytest.mark.usefixtures("one_process", "few_draws")


@pytest.fixture
def folders(tmp_path):
    rng = np.random.default_rng(0)
    write_pictures(tmp_path / "clean", 2, width=64, height=64)
    write_pictures(tmp_path / "real", 2, seed=50, noise=12, width=64, height=64)
    for index, name in enumerate(("toy_0_1", "toy_0_2", "plug_1", "plug_2")):
        clean = smooth(index)
        write_picture(tmp_path / "test_clean" / f"{name}.png", np.uint8(clean))
        write_picture(
            tmp_path / "test_real" / f"{name}.png", np.uint8((clean + rng.normal(0, 9, clean.shape)).clip(0, 255))
        )
    values = ludvae_values(tmp_path, steps=1) | {"runs": str(tmp_path / "runs")}
    values["model"] = {"channels": 4}
    write_config(tmp_path / "tiny.yml", values)
    denoiser = {
        "task": "restoration",
        "name": "denoiser",
        "model": {"architecture": "dncnn", "features": 4, "layers": 8},
        "data": {"lq": "clean", "gt": "clean", "patch": 16, "batch": 2, "workers": 0},
        "stages": [{"name": "psnr", "steps": 1, "learning_rate": 1e-3}],
    }
    write_config(tmp_path / "denoiser.yml", denoiser)
    return tmp_path


def run(folder, *options) -> int:
    places = [f"-{name}={folder / name}" for name in ("clean", "real", "test_real", "test_clean")]
    arguments = ["-judge_steps", 1, "-out", folder / "out", "-device", "cpu", *options]
    return run_command("fidelity", [*places, *map(str, arguments)])


@pytest.mark.slow
def test_one_command_makes_the_table(folders, capsys):
    options = ["-learned", f"ours={folders / 'tiny.yml'},temperature=0.5", "-seeds", 0, 1, "--pgap"]
    assert run(folders, *options, "-opt", folders / "denoiser.yml") == 0
    table = capsys.readouterr().out
    values = json.loads((folders / "out/results.json").read_text())
    assert list(values["scores"]) == ["real against real", "Gaussian", "Poisson-Gaussian", "ours"]
    for by_seed in values["scores"].values():
        assert [len(item) for item in by_seed] == [16, 16]
        assert all(0 <= item["classifier_accuracy_low"] <= item["classifier_accuracy_high"] <= 100 for item in by_seed)
    assert values["scores"]["real against real"][0]["pgap"] == 0
    assert (folders / "out/results.md").read_text() == table
    assert "ours is closer to real than the Gaussian baselines in" in table
    assert {path.name for path in (folders / "runs").iterdir()} == {"tiny", "tiny-seed1"}
    assert "PGAP (dB)" in table
    assert (folders / "out/ours-seed1.html").is_file()
    # Trained runs are found by their seeds' folders, and nothing is trained again.
    runs = f"ours={folders / 'runs'}/tiny-seed{{seed}}"
    before = (folders / "runs/tiny-seed1/models/final.safetensors").stat().st_mtime_ns
    assert run(folders, "-learned", f"{runs},temperature=0.5", "-seeds", 1) == 0
    assert (folders / "runs/tiny-seed1/models/final.safetensors").stat().st_mtime_ns == before
    again = json.loads((folders / "out/results.json").read_text())["scores"]["ours"][0]
    first = values["scores"]["ours"][1]
    assert again == {key: value for key, value in first.items() if key != "pgap"}


FAMILY = {"scale": 1, "steps": [{"sensor_noise": {"sigma": {"free": [0, 30]}}}]}


@pytest.mark.slow
@pytest.mark.long
def test_recipes_and_fits_are_compared_beside_models(folders, capsys, monkeypatch, one_start):
    monkeypatch.setattr("patina.pipelines.recipe_fit.Search", lambda *values: Search(*values[:-2], samples=48))
    write_pictures(folders / "clean", 6, width=96, height=96)
    write_pictures(folders / "real", 6, seed=50, noise=9, width=96, height=96)
    write_config(folders / "noise.yml", {"scale": 1, "steps": [{"gaussian_noise": {"sigma": [9, 9]}}]})
    write_config(folders / "family.yml", FAMILY)
    learned = [f"known={folders / 'noise.yml'}", f"fitted={folders / 'family.yml'}"]
    assert run(folders, "-learned", *learned, "-seeds", 0, 1, "--pgap", "-opt", folders / "denoiser.yml") == 0
    scores = json.loads((folders / "out/results.json").read_text())["scores"]
    assert list(scores)[3:] == ["known", "fitted"]
    for name in ("known", "fitted"):
        assert scores[name][0]["noise_level"] < 3
        assert scores[name][0]["noise_level"] != scores[name][1]["noise_level"]
    fitted = {path.name: path.stat().st_mtime_ns for path in (folders / "out/fitted").iterdir()}
    assert set(fitted) == {"fitted-seed0.yml", "fitted-seed1.yml"}
    page = (folders / "out/fitted-seed0.html").read_text()
    assert "recipe" in page
    assert "fitted-seed0.yml" in page
    assert "fitted, seed 0: Noise of" in capsys.readouterr().err
    assert run(folders, "-learned", learned[1], "-seeds", 0) == 0
    assert (folders / "out/fitted/fitted-seed0.yml").stat().st_mtime_ns == fitted["fitted-seed0.yml"]


def test_the_table_says_who_wins():
    def row(**changes) -> dict:
        interval = {"classifier_accuracy_low": 85.0, "classifier_accuracy_high": 95.0}
        return {"spectrum": 4.0, "classifier_accuracy": 90.0, **interval, "akld": 0.4, "pgap": -0.6} | changes

    scores = {
        "real against real": [row(spectrum=0.4, classifier_accuracy=50.0, akld=0.3)] * 2,
        "Gaussian": [row()] * 2,
        "Poisson-Gaussian": [row(spectrum=3.9)] * 2,
        "ours": [
            row(spectrum=1.0, classifier_accuracy=40.0, akld=0.5, pgap=0.3),
            row(spectrum=2.0, classifier_accuracy=60.0, akld=0.5),
        ],
    }
    text = report(scores, [0, 1], 16)
    assert "| Spectrum (dB) | 0.40 | 4.00 | 3.90 | 1.50 ± 0.71 |" in text
    assert "| Classifier accuracy (%) | 50.0 | 90.0 | 90.0 | 50.0 ± 14.1 |\n| its 95 % interval | 85 to 95 |" in text
    assert (
        "ours is closer to real than the Gaussian baselines in spectrum, classifier accuracy; not in local noise"
        in text
    )
    assert "In local noise level its distance is 1.25 of the Gaussian's, not less than half; other real noise" in text
    assert "In spectrum its distance is 0.38 of the Gaussian's, less than half" in text


@pytest.mark.slow
def test_mistakes_are_one_line(folders, capsys):
    for learned, expected in (
        ("ours", "expected NAME=MODEL"),
        ("Gaussian=x.safetensors", "two methods are named 'Gaussian'"),
        ("two=x.safetensors two=y.safetensors", "two methods are named 'two'"),
        ("ours=x.safetensors,heat=", "neither a number nor a range"),
        (f"ours={folders / 'clean'}", "has no model yet"),
        ("ours=missing.safetensors", "no such model file"),
        ("ours=fit,heat=0.5", "fit has no knobs"),
        ("ours=no-such-thing", "no such recipe, family or configuration"),
    ):
        assert run(folders, "-learned", *learned.split(), "-seeds", 0) == 2
        assert expected in capsys.readouterr().err
    assert not (folders / "out").exists()


@pytest.mark.long
@pytest.mark.slow
def test_pgap_knows_weak_noise_from_the_true_one(tmp_path):
    """White noise of the real deviation teaches as much as real pairs, a third of it less."""
    rng = np.random.default_rng(0)
    for index, name in enumerate(("toy_0_1", "toy_0_2", "plug_1", "plug_2")):
        clean = smooth(index)
        write_picture(tmp_path / "test_clean" / f"{name}.png", np.uint8(clean.clip(0, 255)))
        write_picture(
            tmp_path / "test_real" / f"{name}.png", np.uint8((clean + rng.normal(0, 12, clean.shape)).clip(0, 255))
        )
    values = {
        "task": "restoration",
        "name": "denoiser",
        "model": {"architecture": "dncnn", "features": 8, "layers": 8},
        "data": {"lq": "clean", "gt": "clean", "patch": 24, "batch": 4, "workers": 0},
        "stages": [
            {"name": "psnr", "steps": 120, "learning_rate": 4e-3, "warm_up": 20, "milestones": [50, 80, 100]},
        ],
    }
    denoiser = denoiser_config(str(write_config(tmp_path / "denoiser.yml", values)))
    pictures = Pictures(tmp_path, tmp_path, tmp_path / "test_real", tmp_path / "test_clean")
    real = scene_folds(pictures, tmp_path / "scenes")
    folds = {"real": real} | {
        name: like_real_folds(FittedGaussianNoise([sigma] * 3), name, name, real, tmp_path, 0)
        for name, sigma in (("same", 12.0), ("weak", 4.0))
    }
    psnr = {}
    for name, item in folds.items():
        train_all([fold_config(denoiser, name, fold, 0, tmp_path) for fold in item], "cpu")
        psnr[name] = fold_score(denoiser, name, item, 0, tmp_path, "cpu")[0]
    assert abs(pgap(psnr["same"], psnr["real"])) < 0.5
    assert pgap(psnr["weak"], psnr["real"]) > 1.5
