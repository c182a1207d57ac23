"""The toy experiment: its noises, its divergence, and the whole of it with a few steps."""

import json

import numpy as np
import pytest

from patina.cli.main import run_command
from patina.experiments.toy_images import toy_scenes
from patina.experiments.toy_noises import TOY_NOISES, VARIANCE, ToyStatistics
from patina.experiments.toy_table import ToyScores, divergence, toy_report
from patina.imaging.picture_files import list_pictures, read_picture, write_picture
from sets import write_config, write_pictures
from small_ludif import ludif_values


def grey(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(60, 190, (8, 8, 3)).repeat(40, 0).repeat(40, 1).round()


@pytest.mark.parametrize("name", TOY_NOISES)
def test_every_noise_is_at_20_db(name):
    image = grey()
    noisy = TOY_NOISES[name].add(image, ToyStatistics.of([image]), np.random.default_rng(1))
    assert np.square(noisy - image).mean() == pytest.approx(VARIANCE, rel=0.03)
    assert (noisy - image).mean() == pytest.approx(0, abs=1.5)


def test_noises_follow_their_laws():
    image, statistics = grey(), ToyStatistics.of([grey()])
    rng = np.random.default_rng(1)
    residuals = {name: noise.add(image, statistics, rng) - image for name, noise in TOY_NOISES.items()}
    kurtosis = {name: float((r**4).mean() / (r**2).mean() ** 2) for name, r in residuals.items()}
    assert kurtosis["gaussian"] == pytest.approx(3, abs=0.1)
    assert kurtosis["mixture"] == pytest.approx(3 * (0.9 * 10**4 + 0.1 * 74.96**4) / VARIANCE**2, rel=0.05)
    salted = TOY_NOISES["salt-pepper"].add(image, statistics, rng)
    changed = salted[salted != image]
    assert set(np.unique(changed)) == {0.0, 255.0}
    assert (changed == 0).mean() == pytest.approx(0.5, abs=0.03)
    dark, light = image < 100, image > 150
    ratio = np.square(residuals["poisson"])[light].mean() / np.square(residuals["poisson"])[dark].mean()
    assert ratio == pytest.approx(image[light].mean() / image[dark].mean(), rel=0.1)


def test_the_divergence_of_gaussians_is_the_known_one(tmp_path):
    rng = np.random.default_rng(0)
    for folder, std in (("clean", 0), ("made", 10), ("real", 15)):
        for number in range(4):
            write_picture(
                tmp_path / folder / f"{number}.png",
                np.uint8((128 + std * rng.standard_normal((256, 256, 3))).clip(0, 255).round()),
            )
    found = divergence(tmp_path / "made", tmp_path / "clean", tmp_path / "real")
    variances = [15**2 + 1 / 12, 10**2 + 1 / 12]  # rounding adds its own
    expected = 0.5 * (variances[0] / variances[1] - 1 - np.log(variances[0] / variances[1]))
    assert found == pytest.approx(expected, rel=0.03)


def test_the_table_has_the_published_numbers():
    scores = ToyScores(["fit"], {"fit": {"poisson": 0.01234}}, {"poisson": 0.0001})
    table = toy_report(scores)
    assert "| LUD-VAE (published) | 0.0147 |" in table
    assert "| LUD-DIF (published) | 0.0043 |" in table
    assert "| fit | 0.0123 |" in table
    assert "| the true noise, drawn again | 0.0001 |" in table


def test_scenes_are_disjoint(tmp_path):
    train = write_pictures(tmp_path / "train", 5, width=160, height=160)
    test = write_pictures(tmp_path / "test", 2, seed=9, width=256, height=256)
    for scenes in (toy_scenes(None, None, 0), toy_scenes(train, test, 0)):
        groups = [set(group.values()) for group in (scenes.clean, scenes.real, scenes.test)]
        assert all(groups)
        assert len(set.union(*groups)) == sum(map(len, groups))


def small_configs(folder):
    """Write small configurations of LUD-DIF and of a restoration network; return their paths."""
    values = ludif_values(folder, validate_every=4)
    restorer = {
        "task": "restoration", "name": "r", "model": {"architecture": "dncnn", "features": 8, "layers": 8},
        "data": {"lq": "x", "gt": "x", "patch": 32, "batch": 2, "workers": 0},
        "stages": [{"name": "psnr", "steps": 4}],
    }  # fmt: skip
    return write_config(folder / "ludif.yml", values), write_config(folder / "restorer.yml", restorer)


@pytest.mark.slow
@pytest.mark.usefixtures("one_process")
def test_the_whole_experiment_with_a_few_steps(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("patina.experiments.toy_images.BUNDLED", (2, 4, 2))
    monkeypatch.setattr("patina.experiments.toy_images.SIDE", 64)
    monkeypatch.setattr("patina.experiments.toy_study.checked_workers", lambda _: 0)
    config, restorer = small_configs(tmp_path)
    out = tmp_path / "out"
    (out / "gaussian").mkdir(parents=True)
    recipe = {"scale": 1, "steps": [{"gaussian_noise": {"sigma": 25, "gray": 0}}]}
    write_config(out / "gaussian" / "fit.yml", recipe)  # a fit that is finished is not repeated
    arguments = ["-out", out, "-noises", "gaussian", "-steps", 2, "-config", config, "-device", "cpu"]
    arguments = [*map(str, arguments), "-restorer", str(restorer)]
    assert run_command("toy", arguments) == 0
    printed = capsys.readouterr().out
    assert "| | Gaussian |" in printed
    assert (out / "results.md").read_text() in printed
    results = json.loads((out / "results.json").read_text())
    assert set(results["kl"]) == {"fit", "LUD-DIF", "LUD-DIF-restorer"}
    assert max(results["again"]["gaussian"], results["kl"]["fit"]["gaussian"]) < 0.05
    assert read_picture(out / "sheet.png").pixels.std() > 20
    clean, noisy = (read_picture(list_pictures(out / name)[0]).pixels for name in ("images/test", "gaussian/test"))
    assert np.std(noisy - np.float64(clean)) == pytest.approx(VARIANCE**0.5, rel=0.1)
    kept = {path: path.stat().st_mtime_ns for path in out.rglob("*.png") if path.name != "sheet.png"}
    assert run_command("toy", arguments) == 0
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["-noises", "gausian"], "-noises: there is no 'gausian', did you mean gaussian"),
        (["-methods", "ludif"], "-methods: there is no 'ludif', "),
        (["-config", "SR-demo"], "-config is SR-demo, expected a configuration of task ludif"),
        (["-restorer", "SR-demo"], "-restorer is SR-demo, expected a restoration configuration of scale 1"),
        (["-steps", "1"], "steps is 1, expected 2 or more"),
        (["-train", "."], "-train and -test belong together"),
    ],
)
def test_mistakes_are_one_line(flags, message, tmp_path, capsys):
    assert run_command("toy", ["-out", str(tmp_path / "out"), *flags]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
