"""The gap experiment: its cameras, its fractions, and the whole of it with a few steps."""

import csv
import json

import numpy as np
import pytest

from patina.cli.main import run_command
from patina.experiments.camera_parts import bayer_raw, disk_kernel, ellipse_kernel, motion_kernel, round_kernel
from patina.experiments.choices import SHORT_CAMERAS, SHORT_STEPS
from patina.experiments.gap_folders import GapFolders
from patina.experiments.gap_methods import gap_method
from patina.experiments.gap_photographs import choose_scenes
from patina.experiments.gap_study import GapRequest
from patina.experiments.gap_table import GapScores, gap_report
from patina.experiments.known_cameras import ALL_CAMERAS
from patina.fitting.search import Search
from patina.imaging.matlab_resize import imresize
from patina.imaging.picture_files import list_pictures, read_picture
from patina.pipelines.learned_fit import LearnRequest
from sets import ludvae_values, write_config, write_pictures


@pytest.mark.parametrize("name", ALL_CAMERAS)
def test_every_camera_halves_a_picture_and_keeps_its_colours(name):
    picture = np.random.default_rng(1).uniform(0.3, 0.7, (96, 128, 3))
    picture = imresize(imresize(picture, 0.125), 8.0)[:96, :128]
    taken = ALL_CAMERAS[name].take(picture, np.random.default_rng(2))
    assert taken.shape == (48, 64, 3)
    small = imresize(picture, 0.5)
    assert (np.abs(taken.mean(axis=(0, 1)) - small.mean(axis=(0, 1))).max() < 0.03) == (name != "cast")
    changed = np.sqrt(np.square(taken - small).mean()) * 255
    assert changed == 0 if name in ("none", "jpeglow") else changed > 0.5


def test_kernels_have_the_stated_width_and_direction():
    reach = len(kernel := round_kernel(1.7)) // 2
    places = np.arange(-reach, reach + 1)
    assert np.sqrt((kernel.sum(axis=0) * places**2).sum()) == pytest.approx(1.7, abs=0.03)
    kernel = motion_kernel(8, np.radians(30))
    y, x = np.mgrid[: len(kernel), : len(kernel)] - len(kernel) // 2
    xx, xy, yy = ((kernel * product).sum() for product in (x * x, x * y, y * y))
    assert np.degrees(0.5 * np.arctan2(2 * xy, xx - yy)) == pytest.approx(30, abs=2)
    assert kernel.sum() == pytest.approx(1)


def test_further_kernels_have_the_stated_width_and_direction():
    kernel = disk_kernel(3.2)
    y, x = np.mgrid[: len(kernel), : len(kernel)] - len(kernel) // 2
    assert kernel.sum() == pytest.approx(1)
    assert np.sqrt((kernel * x * x).sum()) == pytest.approx(3.2 / 2, rel=0.03)
    assert kernel[np.hypot(x, y) > 3.2 + np.sqrt(0.5)].max() == 0
    kernel = ellipse_kernel(2.5, 1.0, np.radians(60))
    y, x = np.mgrid[: len(kernel), : len(kernel)] - len(kernel) // 2
    along, across = x * np.cos(np.radians(60)) + y * np.sin(np.radians(60)), -x * np.sin(np.radians(60)) + y * 0.5
    assert np.sqrt((kernel * along**2).sum()) == pytest.approx(2.5, rel=0.02)
    assert np.sqrt((kernel * across**2).sum()) == pytest.approx(1.0, rel=0.02)


def test_a_raw_camera_without_noise_shows_smooth_pictures_as_they_are():
    ramp = np.linspace(0.2, 0.8, 64)[None, :, None] * np.array([1.0, 0.9, 0.8]) * np.ones((48, 1, 1))
    seen = bayer_raw(ramp, electrons=1e7, read=0, rng=np.random.default_rng(0))
    assert np.abs(seen - ramp)[4:-4, 4:-4].max() < 0.02


def test_fractions_of_the_gap():
    scores = GapScores([0, 1])
    for method, values in {"bicubic": (20, 21), "fit": (21, 22.5), "true": (22, 23)}.items():
        for value in values:
            scores.add("lens", method, value)
            scores.add("none", method, 20)
    assert scores.fraction("lens", "fit") == pytest.approx([0.5, 0.75])
    assert scores.fraction("none", "fit") is None
    table = gap_report(scores)
    assert "| lens | 20.50 ± 0.71 | 22.50 ± 0.71 | 62 ± 18 % |" in table
    assert "| none | 20.00 | 20.00 | 0.00 dB |" in table


def test_the_short_form_keeps_what_was_asked_for(tmp_path):
    short = GapRequest(tmp_path).shortened()
    assert (short.cameras, short.seeds, short.steps) == (SHORT_CAMERAS, (0,), SHORT_STEPS)
    asked = GapRequest(tmp_path, cameras=("film",), seeds=(4, 5), steps=7).shortened()
    assert (asked.cameras, asked.seeds, asked.steps) == (("film",), (4,), 7)


def test_scenes_are_disjoint(tmp_path):
    own = write_pictures(tmp_path, 12, width=160, height=160)
    for scenes in (choose_scenes(None, (6, 5, 4), 0), choose_scenes(own, (6, 4, 2), 0)):
        groups = [set(group.values()) for group in (scenes.clean, scenes.real, scenes.held_out)]
        assert all(groups)
        assert len(set.union(*groups)) == sum(map(len, groups))


@pytest.fixture
def short_fits(monkeypatch):
    """Let every fit be one round of few samples."""
    monkeypatch.setattr(
        "patina.pipelines.recipe_fit.Search", lambda *values: Search(*values[:-2], samples=32, rounds=1)
    )


@pytest.mark.slow
def test_the_whole_experiment_with_a_few_steps(tmp_path, monkeypatch, capsys, one_process, short_fits):
    monkeypatch.setattr("patina.experiments.gap_study.COUNTS", (4, 5, 2))
    monkeypatch.setattr("patina.experiments.given_methods.DEFAULT_FAMILIES", ("camera",))
    arguments = ["-out", tmp_path, "-cameras", "none", "-methods", "fit", "-seeds", 0, "-steps", 2]
    arguments = [*map(str, arguments), "-device", "cpu"]
    assert run_command("gap", arguments) == 0
    printed = capsys.readouterr().out
    assert "| camera | bicubic pairs (dB) | true pairs (dB) | fit |" in printed
    assert (tmp_path / "results.md").read_text() in printed
    psnr = json.loads((tmp_path / "results.json").read_text())["psnr"]
    assert psnr["none"]["bicubic"] == pytest.approx(psnr["none"]["true"], abs=0.05)
    rows = list(csv.DictReader((tmp_path / "results.csv").open()))
    assert len(rows) == 3
    assert float(rows[0]["psnr"]) == pytest.approx(psnr["none"]["bicubic"][0], abs=1e-3)
    assert read_picture(tmp_path / "sheet.png").pixels.std() > 20
    assert len(list_pictures(tmp_path / "none" / "lq_fit-seed0")) == 4
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.png") if path.name != "sheet.png"}
    assert run_command("gap", arguments) == 0
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


@pytest.mark.slow
def test_a_degradation_is_learned_over_the_fit(tmp_path, monkeypatch, one_process, short_fits):
    family = {
        "scale": 1,
        "steps": [
            {"resize": {"filter": "matlab_bicubic", "of": "target"}},
            {"gaussian_noise": {"sigma": {"free": [0, 20]}}},
        ],
    }
    family = str(write_config(tmp_path / "family.yml", family))
    monkeypatch.setattr("patina.experiments.given_methods.DEFAULT_FAMILIES", (family,))
    monkeypatch.setattr(
        "patina.experiments.gap_methods.LearnRequest", lambda *values: LearnRequest(*values, classifier_steps=10)
    )
    folders = GapFolders(tmp_path / "out")
    write_pictures(folders.clean, 6, width=128, height=128)
    write_pictures(folders.real("lens"), 8, seed=50, noise=9, width=64, height=64)
    values = ludvae_values(tmp_path)
    values["data"] |= {"patch": 32, "batch": 2, "workers": 0}
    values["training"] = {"steps": 2}
    method = gap_method(f"fit+{write_config(tmp_path / 'tiny.yml', values)}")
    assert method.name == "fit+tiny"
    draw = method.prepare(folders, "lens", 0, "cpu")
    first, second = (list_pictures(draw(network)) for network in (0, 1))
    assert [len(first), len(second)] == [6, 6]
    assert read_picture(first[0]).pixels.shape == (64, 64, 3)
    assert (read_picture(first[0]).pixels != read_picture(second[0]).pixels).any()
    assert "The learned degradation is " in (folders.out / "lens/fit+tiny.yml").read_text()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["-methods", "fit+nothing"], "nothing: no such configuration"),
        (["-cameras", "lenz"], "there is no camera 'lenz', did you mean lens"),
        (["-methods", "widee"], "no such recipe, family or configuration"),
        (["-config", "RealPLKSR"], "of scale 4, expected scale 2"),
        (["-steps", "0"], "steps is 0, expected 1 or more"),
    ],
)
def test_mistakes_are_one_line(flags, message, tmp_path, capsys):
    assert run_command("gap", ["-out", str(tmp_path / "out"), *flags]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
