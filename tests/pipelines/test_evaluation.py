import csv
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from skimage import data

import patina
from patina.cli.main import run_command
from patina.errors import PatinaError
from patina.imaging.picture_files import write_picture
from patina.metrics.full_reference import METRICS, Metric, scores_without_network
from patina.metrics.psnr import psnr
from patina.metrics.ssim import ssim
from patina.pipelines.evaluation import evaluate_folders

PLAIN = ("mse", "psnr", "ssim")


@pytest.fixture
def pictures():
    """Three results with their GT; the last pair is equal."""
    photo, rng = data.astronaut(), np.random.default_rng(0)
    found = {}
    for index, noise in enumerate([5, 20, 0]):
        gt = np.ascontiguousarray(photo[index * 50 : index * 50 + 48, 100:156])
        result = np.clip(gt + rng.normal(0, noise, gt.shape), 0, 255).astype(np.uint8)
        found[f"photo {index + 9}"] = (result, gt)
    return found


@pytest.fixture
def folders(tmp_path, pictures):
    for stem, (result, gt) in pictures.items():
        write_picture(tmp_path / "results" / f"{stem}.png", result)
        write_picture(tmp_path / "truth" / f"{stem}.bmp", gt)
    return tmp_path / "results", tmp_path / "truth"


def call(folders, *flags):
    return run_command("evaluate", ["-results", str(folders[0]), "--truth", str(folders[1]), *flags])


@pytest.mark.parametrize(("crop", "space"), [(0, "rgb"), (4, "y")])
def test_scores_are_the_metrics_of_every_picture(folders, pictures, crop, space):
    evaluation = evaluate_folders(*folders, crop=crop, space=space, metrics=PLAIN)
    assert [score.image for score in evaluation.scores] == list(pictures)
    for score, (result, gt) in zip(evaluation.scores, pictures.values(), strict=True):
        assert score.values["psnr"] == psnr(result, gt, crop=crop, space=space)
        assert score.values["ssim"] == ssim(result, gt, crop=crop, space=space)
    assert evaluation.means["ssim"] == pytest.approx(np.mean([score.values["ssim"] for score in evaluation.scores]))
    finite = [score.values["psnr"] for score in evaluation.scores if not score.is_identical]
    assert evaluation.identical == 1
    assert evaluation.means["psnr"] == pytest.approx(np.mean(finite))
    assert list(evaluation.means) == list(PLAIN)


def test_files_and_table_say_how_it_was_measured(folders, tmp_path, capsys):
    out = tmp_path / "out"
    assert call(folders, "-out", str(out), "-crop_border", "4", "-space", "y", "-no_lpips") == 0
    document = json.loads((out / "scores.json").read_text())
    assert (document["space"], document["crop_border"]) == ("y", 4)
    assert [entry["image"] for entry in document["images"]] == ["photo 9", "photo 10", "photo 11"]
    assert document["images"][2]["psnr"] == "inf"
    assert document["mean"]["psnr"] == np.mean([image["psnr"] for image in document["images"][:2]])
    assert document["identical"] == 1
    assert document["notes"] == [
        "1 of 3 images are identical to their GT (PSNR infinite): the mean PSNR is that of the others."
    ]
    rows = list(csv.DictReader((out / "scores.csv").open()))
    assert [row["image"] for row in rows] == ["photo 9", "photo 10", "photo 11", "mean"]
    assert {(row["space"], row["crop_border"]) for row in rows} == {("y", "4")}
    assert float(rows[0]["psnr"]) == document["images"][0]["psnr"]
    table = capsys.readouterr().out
    assert f"{document['images'][1]['psnr']:.2f}" in table
    assert table.startswith("Measured on luma (BT.601), 4 pixels cropped from every border.\n\n| image")
    assert "\n1 of 3 images are identical" in table
    lines = [line for line in table.splitlines() if line.startswith("|")]
    assert len(lines) == 6
    assert len({len(line) for line in lines}) == 1


def test_missing_partners_are_named(folders):
    (folders[1] / "photo 10.bmp").unlink()
    with pytest.raises(PatinaError, match=r"photo 10\.png has no partner"):
        evaluate_folders(*folders, metrics=PLAIN)


def test_unreadable_and_unequal_pictures_are_named_and_skipped(folders, tmp_path, capsys):
    (folders[0] / "photo 9.png").write_bytes(b"no image")
    write_picture(folders[0] / "photo 10.png", np.zeros((48, 50, 3), np.uint8))
    assert call(folders, "-no_lpips", "-out", str(tmp_path)) == 1
    errors = capsys.readouterr().err
    assert "photo 9.png" in errors
    assert "is 50x48" in errors
    assert "is 56x48" in errors
    document = json.loads((tmp_path / "scores.json").read_text())
    assert [entry["image"] for entry in document["images"]] == ["photo 11"]
    assert len(document["failures"]) == 2


def test_pictures_too_small_to_measure_are_named(folders, tmp_path, capsys):
    assert call(folders, "-no_lpips", "-crop_border", "24", "-out", str(tmp_path)) == 1
    assert "photo 10.png" in capsys.readouterr().err
    assert json.loads((tmp_path / "scores.json").read_text())["mean"]["psnr"] is None


def write_pairs(folder, sizes):
    """Write noisy pairs of these sizes; a negative one is a pair of equal pictures."""
    rng = np.random.default_rng(0)
    for number, side in enumerate(sizes):
        gt = rng.integers(20, 200, (abs(side), abs(side), 3)).astype(np.uint8)
        write_picture(folder / "truth" / f"{number}.png", gt)
        write_picture(
            folder / "results" / f"{number}.png", gt + np.uint8(side > 0) * rng.integers(1, 9, gt.shape, np.uint8)
        )
    return folder / "results", folder / "truth"


def test_one_metrics_limit_costs_no_other(tmp_path, capsys):
    folders = write_pairs(tmp_path, [9, 1, 10, 11, 40])
    assert call(folders, "-no_lpips", "-out", str(tmp_path)) == 0
    images = json.loads((tmp_path / "scores.json").read_text())["images"]
    assert [image["ssim"] is None for image in images] == [True] * 3 + [False] * 2
    assert all(image["psnr"] > 30 and image["mse"] > 0 for image in images)
    printed = capsys.readouterr().out
    assert "SSIM was not measured for 3 of 5 images, e.g. an image of 9x9 less a border of 0 is too small" in printed
    mean = json.loads((tmp_path / "scores.json").read_text())["mean"]
    assert mean["ssim"] == np.mean([image["ssim"] for image in images[3:]])
    assert mean["psnr"] == pytest.approx(np.mean([image["psnr"] for image in images]))


def test_a_small_pair_in_memory_is_measured_by_what_can_be(tmp_path):
    small = data.astronaut()[:9, :9]
    scores = patina.evaluate(small, small + 1)
    assert scores["ssim"] is None
    assert scores["psnr"] > 40
    with pytest.raises(PatinaError, match="is too small"):
        patina.evaluate(small, small + 1, metrics=["ssim"])


@pytest.mark.parametrize(
    ("sizes", "identical", "finite", "told"),
    [
        ([40, 40], 0, True, ""),
        ([40, -40, -40], 2, True, "2 of 3 images are identical to their GT (PSNR infinite): the mean PSNR is that of"),
        ([-40, -40], 2, False, "2 of 2 images are identical to their GT (PSNR infinite): so is the mean PSNR."),
        ([40, -9], 1, True, "1 of 2 images are identical"),
    ],
)
def test_identical_pictures_are_counted_and_leave_the_mean_finite(tmp_path, capsys, sizes, identical, finite, told):
    folders = write_pairs(tmp_path, sizes)
    assert call(folders, "-no_lpips", "-out", str(tmp_path)) == 0
    document = json.loads((tmp_path / "scores.json").read_text())
    assert document["identical"] == identical
    assert (document["mean"]["psnr"] != "inf") == finite
    assert told in capsys.readouterr().out


def test_depths_may_differ(tmp_path):
    gt = data.astronaut()[:40, :40].astype(np.uint16) * 257
    write_picture(tmp_path / "truth" / "a.png", gt)
    write_picture(tmp_path / "results" / "a.png", (gt // 257).astype(np.uint8))
    evaluation = evaluate_folders(tmp_path / "results", tmp_path / "truth", metrics=PLAIN)
    assert evaluation.scores[0].values["psnr"] > 200


def test_alpha_is_left_out(folders, pictures):
    result, _ = pictures["photo 9"]
    before = evaluate_folders(*folders, metrics=PLAIN).scores
    write_picture(folders[0] / "photo 9.png", result, np.full(result.shape[:2], 7, np.uint8))
    assert evaluate_folders(*folders, metrics=PLAIN).scores == before


def test_lpips_without_weights_is_reported_and_the_rest_is_measured(folders, hub, tmp_path, capsys):
    assert call(folders, "-out", str(tmp_path)) == 0
    printed = capsys.readouterr().out
    assert printed.count("no weights") == 4
    assert "alexnet-owt-7be5be79.pth" in printed
    document = json.loads((tmp_path / "scores.json").read_text())
    assert str(hub) in document["missing"]["lpips"]
    assert [entry["lpips"] for entry in document["images"]] == [None] * 3
    assert document["images"][0]["psnr"] > 30


@pytest.mark.slow
def test_lpips_is_measured_if_its_weights_are_there(folders, hub, capsys):
    from patina import torchvision_shim

    torchvision_shim.ensure()
    from torchvision.models import alexnet

    torch.manual_seed(0)
    features = {f"features.{name}": value for name, value in alexnet().features.state_dict().items()}
    torch.save(features, hub / "alexnet-owt-7be5be79.pth")
    evaluation = evaluate_folders(*folders)
    little, much, none = (score.values["lpips"] for score in evaluation.scores)
    assert 0 == none < little < much
    assert evaluation.means["lpips"] == pytest.approx((little + much) / 3)
    assert evaluation.missing == {}


def test_nothing_heavy_is_loaded_without_lpips(folders):
    code = (
        "import sys; from pathlib import Path; from patina.pipelines.evaluation import evaluate_folders;"
        "evaluate_folders(*map(Path, sys.argv[1:]), metrics=('mse', 'psnr', 'ssim')).table();"
        "heavy = {'torch', 'scipy', 'lpips', 'pydantic', 'skimage'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code, *map(str, folders)], check=True, timeout=60)


def test_a_new_metric_is_one_row(folders, pictures, tmp_path, monkeypatch, capsys):
    def mae(result, gt, *, crop, space):
        return float(np.abs(result.astype(float) - gt).mean())

    monkeypatch.setitem(METRICS, "mae", Metric("mae", "MAE", "8-bit", 1, False, lambda device: mae))
    assert call(folders, "-out", str(tmp_path), "-no_lpips") == 0
    table = capsys.readouterr().out
    expected = [mae(*pair, crop=0, space="rgb") for pair in pictures.values()]
    assert "MAE (8-bit) ↓" in table
    assert f"{expected[0]:.1f} |" in table
    assert [entry["mae"] for entry in json.loads((tmp_path / "scores.json").read_text())["images"]] == expected
    assert [float(row["mae"]) for row in csv.DictReader((tmp_path / "scores.csv").open())][:3] == expected
    assert scores_without_network(*pictures["photo 9"])["mae"] == expected[0]
