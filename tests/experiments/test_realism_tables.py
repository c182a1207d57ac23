"""The experiment over methods and seeds, on tiny sets."""

import json

import numpy as np
import pytest

from patina.cli.main import run_command
from patina.degradations.fitted_noise import FittedGaussianNoise
from patina.experiments.denoiser_folds import (
    denoiser_config,
    fold_config,
    fold_score,
    like_real_folds,
    scene_folds,
)
from patina.experiments.learned_methods import Pictures
from patina.experiments.parallel_training import train_all
from patina.experiments.realism_tables import report
from patina.fidelity.assessment import assess
from patina.fidelity.baselines import BASELINES, REAL, fitted_noises, halves, transplanted_residuals
from patina.fidelity.grading import Finding
from patina.fidelity.properties import MEASURES
from patina.fidelity.reference import Reference, Scores
from patina.fidelity.samples import Sample
from patina.imaging.picture_files import write_picture
from patina.metrics.residuals import pgap
from sets import ludvae_values, write_config, write_pictures

pytestmark = pytest.mark.usefixtures("one_process")


def flat(seed: int) -> np.ndarray:
    y, x = np.mgrid[:64, :64] / 60
    return 128 + 40 * np.stack([np.sin(x + seed + phase) * np.cos(y) for phase in range(3)], -1)


@pytest.fixture
def folders(tmp_path):
    rng = np.random.default_rng(0)
    write_pictures(tmp_path / "clean", 2, width=64, height=64)
    write_pictures(tmp_path / "real", 2, seed=50, noise=12, width=64, height=64)
    for index, name in enumerate(("toy_0_1", "toy_0_2", "plug_1", "plug_2")):
        clean = flat(index)
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
        assert [len(each) for each in by_seed] == [14, 14]
        assert all(0 <= each["classifier_accuracy_low"] <= each["classifier_accuracy_high"] <= 100 for each in by_seed)
    assert values["scores"]["real against real"][0]["pgap"] == 0
    assert (folders / "out/results.md").read_text() == table
    assert "ours is closer to real than fitted noise in" in table
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
    assert "ours is closer to real than fitted noise in spectrum, classifier accuracy; not in local noise" in text
    assert "In local noise level its distance is 1.25 of the Gaussian's, not less than half; other real noise" in text
    assert "In spectrum its distance is 0.38 of the Gaussian's, less than half" in text


def test_mistakes_are_one_line(folders, capsys):
    for learned, expected in (
        ("ours", "expected NAME=MODEL"),
        ("Gaussian=x.safetensors", "the name 'Gaussian' is used twice"),
        ("two=x.safetensors two=y.safetensors", "the name 'two' is used twice"),
        ("ours=x.safetensors,heat=", "neither a number nor a range"),
        (f"ours={folders / 'clean'}", "has no model yet"),
        ("ours=missing.safetensors", "no such model file"),
    ):
        assert run(folders, "-learned", *learned.split(), "-seeds", 0) == 2
        assert expected in capsys.readouterr().err
    assert not (folders / "out").exists()


@pytest.fixture
def pairs():
    rng = np.random.default_rng(0)
    clean = [Sample(f"s{index % 2}_{index}", np.float32(flat(index))) for index in range(6)]
    sigma = [4.0, 6.0, 8.0]
    real = [
        Sample(sample.name, np.float32(sample.pixels + rng.normal(0, sigma, sample.pixels.shape))) for sample in clean
    ]
    return clean, real


class TestBaselines:
    def test_halves_share_the_scenes(self, pairs):
        first, second = halves(pairs[0])
        assert {sample.scene for sample in first} == {sample.scene for sample in second}
        assert {sample.name for sample in first}.isdisjoint(sample.name for sample in second)

    @pytest.mark.parametrize("paired", [True, False])
    @pytest.mark.parametrize("exposure", [0, 6])
    def test_fits_find_the_deviation(self, pairs, paired, exposure):
        clean, real = pairs
        real = [Sample(sample.name, sample.pixels + exposure * (-1) ** index) for index, sample in enumerate(real)]
        noises = fitted_noises(clean, real, paired=paired)
        np.testing.assert_allclose(noises["Gaussian"].sigma, [4, 6, 8], rtol=0.12)
        line = noises["Poisson-Gaussian"]
        np.testing.assert_allclose(np.array(line.gain) * 128 + line.floor, [16, 36, 64], rtol=0.2)

    def test_transplanted_noise_is_of_another_image(self, pairs):
        clean, real = pairs
        transplanted = transplanted_residuals(clean, real, seed=0)
        own = [b.pixels - a.pixels for a, b in zip(clean, real, strict=True)]
        for each, true in zip(transplanted, own, strict=True):
            np.testing.assert_allclose(each.std(axis=(0, 1)), true.std(axis=(0, 1)), rtol=0.15)
            assert abs(np.corrcoef(each.ravel(), true.ravel())[0, 1]) < 0.1


class TestGrades:
    """Verdicts on distances that are set, where a measure may be unable to tell."""

    @pytest.fixture
    def reference(self, pairs):
        return Reference(*pairs, paired=False, classifier_steps=1)

    def graded(self, reference, key, own, real, noise, interval=(0.0, 100.0)) -> Finding:
        known = dict.fromkeys(MEASURES, 1.0)
        reference.baselines = {name: Scores(known | {key: noise}, (85, 95)) for name in BASELINES}
        reference.baselines[REAL] = Scores(known | {key: real}, (40, 60))
        reference.scores = lambda *_: Scores({"classifier_accuracy": 50.0, key: own}, interval)
        return next(each for each in assess(reference.clean, reference).findings if each.key == key)

    @pytest.mark.parametrize(
        ("own", "real", "noise", "grade"),
        [
            (1.0, 0.9, 5.0, "real"),
            (1.0, 0.9, 0.9, "real"),
            (1.3, 0.9, 0.4, "unclear"),
            (3.0, 0.9, 5.0, "better"),
            (4.9, 0.9, 5.0, "no better"),
            (float("nan"), 0.9, 5.0, "unclear"),
        ],
    )
    def test_distances(self, reference, own, real, noise, grade):
        assert self.graded(reference, "spectrum", own, real, noise).grade == grade

    @pytest.mark.parametrize(
        ("accuracy", "interval", "noise", "grade"),
        [
            (52, (45, 59), 90, "real"),
            (50, (0, 100), 90, "unclear"),
            (52, (45, 59), 55, "unclear"),
            (65, (60, 70), 90, "better"),
            (40, (35, 45), 90, "real"),
        ],
    )
    def test_a_classifier_passes_only_what_it_could_have_failed(self, reference, accuracy, interval, noise, grade):
        finding = self.graded(reference, "classifier_accuracy", accuracy, 50.0, noise, interval)
        assert finding.grade == grade
        assert finding.intervals["generated"] == interval
        assert finding.intervals["Gaussian"] == (85, 95)

    def test_a_baseline_below_chance_widens_nothing(self, reference):
        assert self.graded(reference, "classifier_accuracy", 58.0, 30.0, 90.0, (54.0, 62.0)).grade == "better"

    def test_sentences_say_what_the_grade_means(self, reference):
        assert "fitted noise matches, too, at 0.90" in self.graded(reference, "spectrum", 1.0, 0.9, 0.9).sentence
        assert "Cannot be measured" in self.graded(reference, "spectrum", float("nan"), 1, 1).sentence
        assert "Inconclusive" in self.graded(reference, "classifier_accuracy", 50, 50, 90).sentence

    @pytest.mark.slow
    def test_pictures_that_got_no_noise_pass_nothing_that_fitted_noise_fails(self, pairs):
        reference = Reference(*pairs, paired=True, classifier_steps=8)
        findings = {each.key: each for each in assess(reference.clean, reference).findings}
        for key in ("spectrum", "covariance", "noise_level", "kl", "akld", "classifier_accuracy"):
            assert findings[key].grade != "real", findings[key]


@pytest.mark.slow
def test_halves_are_compared_with_other_halves(pairs):
    """The distance of other pictures with the same noise is that of the real ones from each other, in the mean."""
    clean, real = pairs
    rng = np.random.default_rng(7)
    again = [
        Sample(sample.name, np.float32(sample.pixels + rng.normal(0, [4, 6, 8], sample.pixels.shape)))
        for sample in clean
    ]
    reference = Reference(clean, real, paired=False, classifier_steps=1)
    own, known = reference.scores(again).distances, reference.baselines[REAL].distances
    for key in ("spectrum", "anisotropy", "autocorrelation", "wasserstein"):
        assert own[key] == pytest.approx(known[key], rel=0.35)


@pytest.mark.slow
def test_pgap_knows_weak_noise_from_the_true_one(tmp_path):
    """White noise of the real deviation teaches as much as real pairs, a third of it less."""
    rng = np.random.default_rng(0)
    for index, name in enumerate(("toy_0_1", "toy_0_2", "plug_1", "plug_2")):
        clean = flat(index)
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
    for name, each in folds.items():
        train_all([fold_config(denoiser, name, fold, 0, tmp_path) for fold in each], "cpu")
        psnr[name] = fold_score(denoiser, name, each, 0, tmp_path, "cpu")[0]
    assert abs(pgap(psnr["same"], psnr["real"])) < 0.5
    assert pgap(psnr["weak"], psnr["real"]) > 1.5
