"""Measures of images in memory and of folders equal what the commands write."""

import json

import numpy as np
import pytest

import patina
from patina.cli.main import run_command
from patina.imaging.picture_files import list_pictures, read_picture
from patina.metrics.full_reference import metric_keys
from patina.metrics.psnr import psnr
from patina.metrics.ssim import ssim
from sets import picture, write_noisy_sets, write_pictures


def test_two_pictures():
    result, gt = picture(1), picture(2)
    scores = patina.evaluate(result, gt, crop=4, space="y")
    assert list(scores) == ["mse", "psnr", "ssim"]
    assert scores["psnr"] == psnr(result, gt, crop=4, space="y")
    assert scores["ssim"] == ssim(result, gt, crop=4, space="y")
    assert patina.evaluate(gt, gt, metrics=["psnr"]) == {"psnr": float("inf")}


def test_two_folders_give_the_values_of_the_json(tmp_path):
    results, gt = write_pictures(tmp_path / "results", 3), write_pictures(tmp_path / "gt", 3, noise=5)
    values = patina.evaluate(str(results), gt, metrics=metric_keys(lpips=False), crop=2)
    flags = ["-results", results, "-gt", gt, "-crop_border", 2, "-no_lpips"]
    assert run_command("evaluate", list(map(str, flags))) == 0
    assert values == json.loads((results / "scores.json").read_text())


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((picture(1), "gt"), {}, "expected two images or two folders, got an image and a folder"),
        ((picture(1), picture(1, height=20)), {}, "expected one shape"),
        ((picture(1), picture(1)), {"metrics": ["psrn"]}, "unknown metric 'psrn'; expected some of mse, psnr"),
        ((picture(1), picture(1)), {"metrics": ["lpips"], "device": "cpu"}, "lpips cannot be measured: "),
        (("nowhere", "gt"), {}, "nowhere does not exist"),
    ],
)
def test_what_cannot_be_compared_is_refused(arguments, options, message):
    with pytest.raises(patina.PatinaError, match=message):
        patina.evaluate(*arguments, **options)


@pytest.mark.slow
@pytest.mark.usefixtures("few_draws")
def test_a_report_on_folders_or_arrays_has_the_values_of_the_json(tmp_path):
    write_noisy_sets(tmp_path)
    sets = {name: tmp_path / name for name in ("clean", "real", "same")}
    flags = ["-clean", sets["clean"], "-real", sets["real"], "-generated", sets["same"], "-paired"]
    flags += ["-judge_steps", 2, "-seed", 2, "-out", tmp_path / "page.html", "-side", 80]
    assert run_command("report", list(map(str, flags))) == 0
    expected = json.loads((tmp_path / "page.json").read_text())
    options = {"paired": True, "classifier_steps": 2, "seed": 2, "side": 80}
    values = patina.report(sets["same"], sets["real"], sets["clean"], **options)
    assert values == {key: expected[key] for key in values}
    assert set(expected) - set(values) == {"name", "notes", "command", "facts"}
    arrays = {
        name: {path.stem: read_picture(path).pixels for path in list_pictures(folder)} for name, folder in sets.items()
    }
    assert patina.report(arrays["same"], arrays["real"], arrays["clean"], **options) == values


def test_unusable_sets_are_refused():
    clean = {str(index): picture(index, 64, 64) for index in range(4)}
    for generated, message in (
        ({"0": picture(0, 64, 64)}, "no image named '1'; expected one for every clean image"),
        (clean | {"3": np.zeros((64, 64, 3))}, "expected uint8 or uint16 pixels"),
        (clean | {"3": picture(1, 40, 64)}, "3: 64x40 pixels, expected 64 or more"),
    ):
        with pytest.raises(patina.PatinaError, match=message):
            patina.report(generated, clean, clean, paired=True)
    few = {"0": picture(0, 64, 64)}
    with pytest.raises(patina.PatinaError, match="too few"):
        patina.report(few, few, few)
