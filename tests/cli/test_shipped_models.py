"""The models that come with Patina: an image is upscaled by naming it alone."""

from pathlib import Path

import numpy as np
import pytest
from skimage import data

from patina.cli.main import run_command
from patina.imaging.matlab_resize import imresize
from patina.imaging.picture_files import read_picture, write_picture
from patina.metrics.psnr import psnr
from patina.shipped import MODELS, model_file


@pytest.mark.slow
@pytest.mark.parametrize("scale", MODELS)
def test_an_image_alone_is_upscaled_better_than_by_bicubic(tmp_path, monkeypatch, scale):
    gt = np.ascontiguousarray(data.stereo_motorcycle()[0][100:260, 200:360])  # none of the training's photographs
    small = imresize(gt, 1 / scale)
    write_picture(tmp_path / "photo.png", small)
    monkeypatch.chdir(tmp_path)
    assert run_command("upscale", ["photo.png", *(["-scale", "4"] if scale == 4 else [])]) == 0
    result = read_picture(tmp_path / "upscaled/photo.png").pixels
    assert psnr(result, gt, crop=scale) > psnr(imresize(small, scale), gt, crop=scale) + 0.3


def test_names_files_and_mistakes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in MODELS.values():
        assert model_file(name).is_file()
        assert model_file(name).stat().st_size < 5_000_000
    assert model_file(Path("folder/photo-x2")) == model_file("photo-x2")
    (tmp_path / "photo-x2").write_bytes(b"")
    assert model_file("photo-x2") == Path("photo-x2")
    for words, told in (
        ([], "no images are given; expected them once"),
        (["a.png", "-source", "b"], "images are given twice"),
        (["a.png", "-scale", "3"], "no model for -scale 3 comes with Patina, only for 2 and 4"),
    ):
        assert run_command("upscale", words) == 2
        assert told in capsys.readouterr().err
