"""Learned degradations over clean images that a recipe degrades first."""

import numpy as np
import pytest

from patina.cli.main import run_command
from patina.errors import PatinaError
from patina.imaging.picture_files import list_pictures, read_picture
from patina.pipelines.degraded_domain import with_degraded_clean
from patina.pipelines.multiscale_set import prepare
from patina.pipelines.provenance import run_of
from patina.pipelines.training_run import TrainingRequest, require_trainable, run_training
from patina.pipelines.translation import load_learned_config
from patina.specs.configuration import dump_config
from sets import deflow_values, ludvae_values, write_config, write_pictures
from small_ludif import ludif_values

NOISE = {
    "scale": 2,
    "steps": [{"resize": {"filter": "matlab_bicubic", "of": "target"}}, {"gaussian_noise": {"sigma": [9, 9]}}],
}
pytestmark = pytest.mark.usefixtures("one_process")


@pytest.fixture(params=[deflow_values, ludvae_values, ludif_values], ids=["deflow", "ludvae", "ludif"])
def config(request, tmp_path):
    """Write a tiny configuration with a recipe for its clean images, which are twice as large as the real ones."""
    for name, side in {"clean": 128, "real": 64}.items():
        if request.param is deflow_values:
            images = write_pictures(tmp_path / f"{name}_pictures", 4, width=side, height=side)
            prepare(images, tmp_path / name, [1, 4], workers=1)
        else:
            write_pictures(tmp_path / name, 4, width=side, height=side)
    values = request.param(tmp_path)
    values["data"] |= {"clean_recipe": str(write_config(tmp_path / "noise.yml", NOISE))}
    return write_config(tmp_path / "tiny.yml", values)


@pytest.mark.slow
def test_every_kind_trains_on_the_images_of_the_recipe(config, capsys):
    assert run_training(TrainingRequest(str(config), device="cpu"))
    assert "noise.yml" in capsys.readouterr().err
    given, made = load_learned_config(str(config)), with_degraded_clean(load_learned_config(str(config)))
    clean, degraded = (list_pictures(one.training_folders["clean"]) for one in (given, made))
    assert [path.stem for path in degraded] == [path.stem for path in clean]
    first, last = read_picture(clean[0]).pixels, read_picture(degraded[0]).pixels
    assert last.shape[:2] == tuple(side // 2 for side in first.shape[:2])
    half = first.reshape(last.shape[0], 2, last.shape[1], 2, 3).mean(axis=(1, 3))
    assert 5 < np.std(last - half) < 14
    run = run_of(given.run_folder())
    assert run is not None
    assert run.training_folders["clean"] == given.run_folder() / "clean_images"
    assert "clean_recipe" in run.text


@pytest.mark.slow
def test_another_recipe_is_refused_and_the_same_keeps_its_images(config, tmp_path, capsys):
    assert run_training(TrainingRequest(str(config), device="cpu"))
    folder = load_learned_config(str(config)).run_folder() / "clean_images"
    stamps = {path: path.stat().st_mtime_ns for path in list_pictures(folder)}
    assert run_training(TrainingRequest(str(config), device="cpu"))
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    write_config(tmp_path / "noise.yml", {**NOISE, "steps": [*NOISE["steps"], {"jpeg": {"quality": [50, 60]}}]})
    assert run_command("train", ["-opt", str(config), "-device", "cpu"]) == 2
    assert "clean_images" in capsys.readouterr().err


def test_a_recipe_with_variants_is_refused(config, tmp_path, capsys):
    blocks = {"noise": {"gaussian_noise": {"sigma": [1, 2]}}, "more": {"gaussian_noise": {"sigma": [5, 6]}}}
    variants = {"scale": 1, "blocks": blocks, "variants": {"weak": ["noise"], "strong": ["more"]}}
    write_config(tmp_path / "noise.yml", variants)
    with pytest.raises(PatinaError, match=r"data.clean_recipe: .* has variants \(strong, weak\)"):
        require_trainable(TrainingRequest(str(config), device="cpu"))
    assert run_command("train", ["-opt", str(config), "-device", "cpu"]) == 2
    assert "data.clean_recipe: " in capsys.readouterr().err


def test_a_report_says_how_to_make_the_images_that_are_missing(config, capsys):
    run = load_learned_config(str(config)).run_folder()
    (run / "models").mkdir(parents=True)
    (run / "config.yml").write_text(dump_config(load_learned_config(str(config))))
    assert run_command("report", [str(run)]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert "clean_images is missing: what " in error
    assert "noise.yml makes is not sent with a run; run `patina validate -opt`" in error
