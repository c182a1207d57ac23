"""The experiment over methods and seeds, on tiny sets."""

import json

import numpy as np
import pytest

from patina.cli import run_verb
from patina.fidelity.shots import Shot
from patina.fidelity.yardsticks import fitted_noises, halves, moved_residuals
from patina.imaging.files import write_picture
from patina.verbs.fidelity import report
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
    return run_verb("fidelity", [*places, *map(str, arguments)])


def test_one_command_makes_the_table(folders, capsys):
    options = ["-learned", f"ours={folders / 'tiny.yml'},temperature=0.5", "-seeds", 0, 1, "--pgap"]
    assert run(folders, *options, "-opt", folders / "denoiser.yml") == 0
    table = capsys.readouterr().out
    values = json.loads((folders / "out/results.json").read_text())
    assert list(values["scores"]) == ["real against real", "Gaussian", "Poisson-Gaussian", "ours"]
    for by_seed in values["scores"].values():
        assert [len(each) for each in by_seed] == [12, 12]
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
        return {"spectrum": 4.0, "two_sample": 90.0, "akld": 0.4} | changes

    scores = {
        "real against real": [row(spectrum=0.4, two_sample=50.0, akld=0.3)] * 2,
        "Gaussian": [row()] * 2,
        "Poisson-Gaussian": [row(spectrum=3.9)] * 2,
        "ours": [row(spectrum=1.0, two_sample=40.0, akld=0.5), row(spectrum=2.0, two_sample=60.0, akld=0.5)],
    }
    text = report(scores, [0, 1], 16)
    assert "| Spectrum (dB) | 0.40 | 4.00 | 3.90 | 1.50 ± 0.71 |" in text
    assert "| Classifier (%) | 50.0 | 90.0 | 90.0 | 50.0 ± 14.1 |" in text
    assert "ours is closer to real than fitted noise in spectrum, classifier; not in local strength." in text
    assert (
        "In local strength its distance is 1.25 of the Gaussian's, not less than half; that of other real noise is 0.75"
        in text
    )
    assert "In spectrum its distance is 0.38 of the Gaussian's, less than half" in text


def test_mistakes_are_one_line(folders, capsys):
    for learned, expected in (
        ("ours", "expected NAME=MODEL"),
        ("Gaussian=x.safetensors", "expected NAME=MODEL"),
        ("ours=x.safetensors,heat=", "neither a number nor a range"),
        (f"ours={folders / 'clean'}", "has no model yet"),
        ("ours=missing.safetensors", "no such model file"),
    ):
        assert run(folders, "-learned", learned, "-seeds", 0) == 2
        assert expected in capsys.readouterr().err
    assert not (folders / "out").exists()


class TestYardsticks:
    @pytest.fixture
    def pairs(self):
        rng = np.random.default_rng(0)
        clean = [Shot(f"s{index % 2}_{index}", np.float32(flat(index))) for index in range(6)]
        sigma = [4.0, 6.0, 8.0]
        real = [Shot(shot.name, np.float32(shot.pixels + rng.normal(0, sigma, shot.pixels.shape))) for shot in clean]
        return clean, real

    def test_halves_share_the_scenes(self, pairs):
        first, second = halves(pairs[0])
        assert {shot.scene for shot in first} == {shot.scene for shot in second}
        assert {shot.name for shot in first}.isdisjoint(shot.name for shot in second)

    @pytest.mark.parametrize("paired", [True, False])
    @pytest.mark.parametrize("exposure", [0, 6])
    def test_fits_find_the_deviation(self, pairs, paired, exposure):
        clean, real = pairs
        real = [Shot(shot.name, shot.pixels + exposure * (-1) ** index) for index, shot in enumerate(real)]
        noises = fitted_noises(clean, real, paired=paired)
        np.testing.assert_allclose(noises["Gaussian"].sigma, [4, 6, 8], rtol=0.12)
        line = noises["Poisson-Gaussian"]
        np.testing.assert_allclose(np.array(line.gain) * 128 + line.floor, [16, 36, 64], rtol=0.2)

    def test_moved_noise_is_another_pictures(self, pairs):
        clean, real = pairs
        moved = moved_residuals(clean, real, seed=0)
        own = [b.pixels - a.pixels for a, b in zip(clean, real, strict=True)]
        for each, true in zip(moved, own, strict=True):
            np.testing.assert_allclose(each.std(axis=(0, 1)), true.std(axis=(0, 1)), rtol=0.15)
            assert abs(np.corrcoef(each.ravel(), true.ravel())[0, 1]) < 0.1
