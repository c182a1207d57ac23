"""Models and interpolations compared over test sets, as a user does it."""

import csv
import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from patina.cli.main import run_command
from patina.imaging.interpolation import Interpolation
from patina.imaging.interpolation_names import INTERPOLATIONS
from patina.imaging.matlab_resize import imresize
from patina.imaging.picture_files import list_pictures, read_picture, write_picture
from patina.metrics.mse import mse
from patina.metrics.psnr import psnr
from patina.models.generator_files import save_generator
from patina.models.lapsrn import LapSRN
from patina.pipelines.upscaling import open_upscaler
from patina.system.memory import PeakMemory
from sets import picture, write_config, write_pictures


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    write_pictures(folder / "gt", 2, height=40, width=48)
    for scale in (2, 4):
        for path in list_pictures(folder / "gt"):
            write_picture(folder / f"x{scale}" / path.name, imresize(read_picture(path).pixels, 1 / scale))
    save_generator(LapSRN(2, 4, 1), folder / "fresh.safetensors")
    return folder


def test_interpolations_are_the_known_ones():
    small = picture(0, 7, 9)
    enlarged = {name: Interpolation(name, 3)(small) for name in INTERPOLATIONS}
    assert all(result.shape == (21, 27, 3) for result in enlarged.values())
    assert np.array_equal(enlarged["nearest"], small.repeat(3, axis=0).repeat(3, axis=1))
    assert np.array_equal(enlarged["bicubic"], imresize(small, 3))
    for name, theirs in (("bilinear", Image.Resampling.BILINEAR), ("lanczos", Image.Resampling.LANCZOS)):
        expected = np.asarray(Image.fromarray(small).resize((27, 21), theirs)).astype(int)
        assert np.abs(enlarged[name] - expected).max() <= 1


def test_mse_agrees_with_psnr():
    a, b = picture(0), picture(1)
    assert 10 * np.log10(255**2 / mse(a, b, crop=3)) == pytest.approx(psnr(a, b, crop=3))
    assert mse(a * np.uint16(257), b * np.uint16(257)) == pytest.approx(mse(a, b))
    assert mse(a, b) == pytest.approx(np.mean((a.astype(float) - b) ** 2))


@pytest.mark.parametrize("counted", [True, False])
def test_peak_memory_sees_what_is_freed_again(counted, monkeypatch, tmp_path):
    if not counted:
        monkeypatch.setattr("patina.system.memory._RESET", tmp_path / "absent" / "file")
    with PeakMemory() as memory:
        np.ones(30 << 20, np.uint8).sum()
    assert memory.grown > 20 << 20


@pytest.mark.slow
def test_a_table_of_models_over_sets(folder, tmp_path, capsys):
    sets = [arg for scale in (2, 4) for arg in ("-set", f"x{scale}", str(folder / f"x{scale}"), str(folder / "gt"))]
    models = ["bicubic", f"LapSRN={folder / 'fresh.safetensors'}"]
    out = tmp_path / "out"
    flags = ["-out", str(out), "-no_lpips", "-device", "cpu", "-precision", "32"]
    assert run_command("evaluate", ["-model", *models, *sets, *flags]) == 0
    printed = capsys.readouterr().out
    assert printed == (out / "comparison.md").read_text()
    lines = [line for line in printed.splitlines() if line.startswith("|")]
    assert len({len(line) for line in lines}) == 1
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert printed.startswith("Measured on RGB and luma Y (BT.601), the scale cropped from every border; time and peak")
    measures = ["MSE (8-bit) ↓", "PSNR (dB) ↑", "PSNR of Y (dB) ↑", "SSIM ↑", "SSIM of Y ↑"]
    assert cells[0] == ["set", "model", *measures, "s per image", "MiB"]
    assert [row[:2] for row in cells[2:]] == [["x2", "bicubic"], ["x2", "LapSRN"], ["x4", "bicubic"]]
    assert "LapSRN upscales by 2, x4 needs 4: not measured." in printed
    table = list(csv.DictReader((out / "comparison.csv").open()))
    for row, scale in zip(table, (2, 2, 4), strict=True):
        expected = np.mean([
            psnr(imresize(read_picture(small).pixels, scale), read_picture(gt).pixels, crop=scale)
            for small, gt in zip(list_pictures(folder / f"x{scale}"), list_pictures(folder / "gt"), strict=True)
        ])  # fmt: skip
        # An untrained LapSRN is bicubic except for rounding.
        assert float(row["psnr"]) == pytest.approx(expected, abs=0.05 if row["model"] == "LapSRN" else 1e-9)
        assert float(row["seconds"]) > 0
        assert int(row["memory"]) >= 0
        assert (int(row["crop"]), int(row["images"])) == (scale, 2)
    assert len(list_pictures(out / "x2" / "LapSRN")) == 2
    assert len(json.loads((out / "comparison.json").read_text())["rows"]) == 3


@pytest.mark.slow
def test_a_model_trained_further_is_compared_again(folder, tmp_path):
    model = tmp_path / "mine.safetensors"
    flags = ["-model", str(model), "-set", "x2", str(folder / "x2"), str(folder / "gt"), "-out", str(tmp_path / "out")]
    found = []
    for seed in (0, 1):
        network = LapSRN(2, 4, 1)
        torch.manual_seed(seed)
        torch.nn.init.normal_(next(network.parameters()), std=0.1 * seed)
        save_generator(network, model)
        assert run_command("evaluate", [*flags, "-no_lpips", "-device", "cpu"]) == 0
        found.append(json.loads((tmp_path / "out/comparison.json").read_text())["rows"][0])
    assert [row["images"] for row in found] == [2, 2]
    assert len(list_pictures(tmp_path / "out/x2/mine")) == 2


def test_a_configuration_says_the_same(folder, tmp_path, capsys):
    values = {
        "task": "evaluate",
        "name": "compare",
        "models": ["nearest"],
        "sets": [{"name": "x2", "lq": str(folder / "x2"), "gt": str(folder / "gt")}],
        "out": str(tmp_path / "out"),
        "crop_border": 5,
        "space": "y",
        "lpips": False,
    }
    path = write_config(tmp_path / "compare.yml", values)
    assert run_command("evaluate", ["-opt", str(path), "-device", "cpu"]) == 0
    [row] = csv.DictReader((tmp_path / "out/comparison.csv").open())
    assert (row["model"], row["crop"]) == ("nearest", "5")
    assert "luma (BT.601), 5 pixels cropped from every border" in capsys.readouterr().out


def test_every_model_flag_counts(folder, tmp_path):
    command = ["-model", "bicubic", "-model", "nearest", "-set", "x2", str(folder / "x2"), str(folder / "gt")]
    assert run_command("evaluate", [*command, "-out", str(tmp_path / "out"), "-no_lpips", "-device", "cpu"]) == 0
    assert len(json.loads((tmp_path / "out/comparison.json").read_text())["rows"]) == 2


@pytest.mark.slow
def test_lq_images_are_named_by_a_template(folder, tmp_path, capsys):
    for path in list_pictures(folder / "x2"):
        write_picture(tmp_path / "lq" / f"{path.stem}x2.png", read_picture(path).pixels)
    (tmp_path / "lq" / "brokenx2.png").write_bytes(b"no image")
    gt = tmp_path / "gt"
    shutil.copytree(folder / "gt", gt)
    shutil.copy(gt / "1.png", gt / "broken.png")
    command = ["-model", "nearest", "-set", "x2", str(tmp_path / "lq"), str(gt), "-metrics", "psnr"]
    command += ["-out", str(tmp_path / "out"), "-device", "cpu"]
    assert run_command("evaluate", [*command, "-template", "{}x2"]) == 1  # one cannot be read
    assert json.loads((tmp_path / "out/comparison.json").read_text())["rows"][0]["images"] == 2
    assert run_command("evaluate", [*command, "-template", "x2"]) == 2
    assert "sets.0.template: expected a name with one {}" in capsys.readouterr().err


def test_flags_change_what_a_configuration_says(folder, tmp_path, capsys):
    sets = [{"name": "x2", "lq": str(folder / "x2"), "gt": str(folder / "gt")}]
    values = {"task": "evaluate", "name": "compare", "models": ["nearest"], "sets": sets, "out": str(tmp_path / "out")}
    path = write_config(tmp_path / "compare.yml", values)
    flags = ["-space", "y", "-crop_border", "7", "-out", str(tmp_path / "other"), "-no_lpips"]
    assert run_command("evaluate", ["-opt", str(path), "-device", "cpu", *flags]) == 0
    [row] = csv.DictReader((tmp_path / "other/comparison.csv").open())
    assert row["crop"] == "7"
    told = capsys.readouterr().out
    assert "luma (BT.601), 7 pixels cropped from every border" in told
    assert "LPIPS" not in told
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (["-results", "{x2}", "-truth", "{x2}", "-tile", "64"], "-tile does not apply to one folder; give"),
        (["-results", "{x2}", "-truth", "{x2}", "-crop", "-3"], "-crop_border is -3, expected 0 or more"),
        ([], "-results is missing; give -results, and -truth if there is one, for one folder, or -model"),
        (["-model", "bicubic"], "-set is missing, -out is missing; "),
        (["-model", "bicubic", "-results", "a"], "-results does not apply to a comparison; "),
        (["-opt", "compare-SR3", "-template", "{{}}x2"], "leave -model, -set and -template out"),
        (["-model", "bicubik", "-set", "a", "{x2}", "{gt}", "-out", "{out}"], "bicubik: no such model file"),
        (["-model", "bicubic", "bicubic", "-set", "a", "{x2}", "{gt}", "-out", "{out}"], "expected unique names"),
        (["-model", "bicubic", "-set", "a", "{gt}", "{x2}", "-out", "{out}"], "larger by an integer factor"),
        (["-model", "{fresh}", "-set", "a", "{x4}", "{gt}", "-out", "{out}"], "no model was measured on any set"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(folder, tmp_path, capsys, flags, text):
    places = {"x2": folder / "x2", "x4": folder / "x4", "gt": folder / "gt", "out": tmp_path / "out"}
    places["fresh"] = folder / "fresh.safetensors"
    assert run_command("evaluate", [flag.format(**places) for flag in flags]) == 2
    assert text in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_interpolations_need_a_scale(capsys):
    for name in INTERPOLATIONS:
        assert open_upscaler(name, scale=2).scale == 2
    assert run_command("upscale", ["-model", "lanczos", "-source", "a", "-out", "b"]) == 2
    assert "lanczos needs a scale" in capsys.readouterr().err
