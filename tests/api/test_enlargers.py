"""Super-resolution of images in memory equals what the command writes."""

import numpy as np
import pytest
import torch

import patina
from patina.cli.main import run_command
from patina.imaging.matlab_resize import imresize
from patina.imaging.picture_files import read_picture, write_picture
from patina.models.generator_files import save_generator
from patina.models.rrdbnet import RRDBNetSettings
from sets import picture


@pytest.fixture
def model(tmp_path):
    torch.manual_seed(3)
    save_generator(RRDBNetSettings(scale=2, features=8, blocks=1, growth=4).build(), tmp_path / "small.pth")
    return tmp_path / "small.pth"


def test_a_model_gives_what_upscale_writes(model, tmp_path):
    write_picture(tmp_path / "in" / "a.png", picture(1))
    flags = ["-model", model, "-source", tmp_path / "in", "-out", tmp_path / "out", "-tile", 32, "-device", "cpu"]
    assert run_command("upscale", list(map(str, flags))) == 0
    expected = read_picture(tmp_path / "out" / "a.png").pixels
    settings = {"tile": 32, "device": "cpu"}
    np.testing.assert_array_equal(patina.upscale(picture(1), model, **settings), expected)
    upscaler = patina.load_upscaler(str(model), **settings)
    assert upscaler.scale == 2
    np.testing.assert_array_equal(patina.upscale(picture(1), upscaler), expected)


def test_interpolation_keeps_16_bit():
    pixels = picture(1).astype(np.uint16) * 257
    np.testing.assert_array_equal(patina.upscale(pixels, "bicubic", scale=3), imresize(pixels, 3))


def test_what_cannot_be_used_is_refused(model):
    loaded = patina.load_upscaler("nearest", scale=2)
    for arguments, settings, message in (
        ((picture(1), "bicubic"), {}, "bicubic needs a scale"),
        ((picture(1), model), {"scale": 3}, "upscales by 2, not by 3"),
        ((picture(1), loaded), {"scale": 2}, "scale is a setting of load_upscaler"),
        ((np.zeros((4, 4, 3)), loaded), {}, "expected uint8 or uint16 pixels, got float64"),
    ):
        with pytest.raises(patina.PatinaError, match=message):
            patina.upscale(*arguments, **settings)
