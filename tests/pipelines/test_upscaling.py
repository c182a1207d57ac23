import json
import os

import numpy as np
import pytest
import torch
from skimage import data

from patina.cli.main import run_command
from patina.errors import PatinaError
from patina.imaging.matlab_resize import imresize
from patina.imaging.picture_files import list_pictures, read_picture, write_picture
from patina.imaging.value_spaces import to_pixels, to_tensor
from patina.metrics.psnr import psnr
from patina.models.generator_files import load_generator, save_generator
from patina.models.rrdbnet import RRDBNetSettings
from patina.pipelines.upscalers import open_upscaler
from patina.pipelines.upscaling import UpscaleRequest, upscale


@pytest.fixture(scope="module")
def photo():
    return np.ascontiguousarray(data.chelsea()[110:167, 150:221])


@pytest.fixture(scope="module", params=[1, 2, 4])
def model(request, tmp_path_factory):
    """A random generator whose every layer matters and whose output is a picture, neither flat nor clipped."""
    torch.manual_seed(3)
    network = RRDBNetSettings(scale=request.param, features=8, blocks=1, growth=8).build()
    for block in network.model[1].sub[:-1]:
        for parameter in block.parameters():
            parameter.data *= 10
    last = network.model[-1]
    with torch.no_grad():
        last.weight *= 0.2 / network(torch.rand(1, 3, 32, 32)).std()
        last.bias.fill_(0.5)
    path = tmp_path_factory.mktemp("model") / "generator.safetensors"
    save_generator(network, path)
    return path


@pytest.fixture
def small_model(tmp_path):
    torch.manual_seed(3)
    save_generator(RRDBNetSettings(scale=2, features=8, blocks=1, growth=4).build(), tmp_path / "small.pth")
    return tmp_path / "small.pth"


def upscaled(model, source, out, **options):
    report = upscale(UpscaleRequest(model, source, out, device="cpu", **options))
    assert not report.failures
    return {path.stem: read_picture(path) for path in report.results}


def test_tiles_do_not_show(model, photo):
    whole = open_upscaler(model, tile=512, device="cpu")(photo)
    tiled = open_upscaler(model, tile=48, overlap=24, device="cpu")(photo)
    with torch.no_grad():
        expected = load_generator(model)(to_tensor(photo)[None])[0]
    assert psnr(whole, to_pixels(expected, np.uint8)) > 60
    assert whole.std() > 10
    assert psnr(tiled, whole) > 50


def test_folder_of_every_kind_of_picture(small_model, tmp_path, photo):
    crop, deep = photo[:33, :40], photo[:20, :21].astype(np.uint16) * 250
    ramp = np.tile(np.linspace(0, 255, 40).astype(np.uint8), (33, 1))
    write_picture(tmp_path / "in" / "colour.jpg", crop)
    write_picture(tmp_path / "in" / "deep.png", deep)
    write_picture(tmp_path / "in" / "gray.png", ramp)
    write_picture(tmp_path / "in" / "alpha.png", crop, ramp)
    pictures = upscaled(small_model, tmp_path / "in", tmp_path / "out")
    assert set(pictures) == {"colour", "deep", "gray", "alpha"}
    assert {name: picture.pixels.shape for name, picture in pictures.items()} == {
        "colour": (66, 80, 3), "deep": (40, 42, 3), "gray": (66, 80, 3), "alpha": (66, 80, 3),
    }  # fmt: skip
    assert pictures["deep"].pixels.dtype == np.uint16
    assert len(np.unique(pictures["deep"].pixels)) > 256
    assert pictures["gray"].gray
    assert not pictures["colour"].gray
    np.testing.assert_array_equal(pictures["alpha"].alpha, imresize(ramp, 2))
    assert pictures["colour"].alpha is None


def test_bicubic_is_the_baseline(tmp_path, photo):
    write_picture(tmp_path / "in" / "a.png", photo)
    pictures = upscaled("bicubic", tmp_path / "in", tmp_path / "out", scale=3)
    np.testing.assert_array_equal(pictures["a"].pixels, imresize(photo, 3))
    with pytest.raises(PatinaError, match="-scale"):
        upscale(UpscaleRequest("bicubic", tmp_path / "in", tmp_path / "out"))


def test_one_picture(tmp_path, photo):
    write_picture(tmp_path / "in" / "a.png", photo)
    write_picture(tmp_path / "in" / "b.png", photo)
    assert set(upscaled("bicubic", tmp_path / "in" / "b.png", tmp_path / "out", scale=2)) == {"b"}


def test_one_picture_goes_into_the_folder_of_all(tmp_path, photo):
    for name in "ab":
        write_picture(tmp_path / "in" / f"{name}.png", photo)
    upscaled("bicubic", tmp_path / "in", tmp_path / "out", scale=2)
    whole = (tmp_path / "out" / "log.jsonl").read_bytes()
    write_picture(tmp_path / "in" / "b.png", photo[:20])
    assert set(upscaled("bicubic", tmp_path / "in" / "b.png", tmp_path / "out", scale=2)) == {"b"}
    assert not upscaled("bicubic", tmp_path / "in", tmp_path / "out", scale=2)
    write_picture(tmp_path / "in" / "b.png", photo)
    upscaled("bicubic", tmp_path / "in", tmp_path / "out", scale=2)
    assert (tmp_path / "out" / "log.jsonl").read_bytes() == whole


def test_what_is_done_is_not_done_again(tmp_path, photo):
    for name in "abc":
        write_picture(tmp_path / "in" / f"{name}.png", photo)
    upscaled("bicubic", tmp_path / "in", tmp_path / "out", scale=2)
    (tmp_path / "out" / "b.png").unlink()
    before = (tmp_path / "out" / "a.png").stat().st_mtime_ns
    assert set(upscaled("bicubic", tmp_path / "in", tmp_path / "out", scale=2)) == {"b"}
    assert (tmp_path / "out" / "a.png").stat().st_mtime_ns == before


def test_a_picture_of_another_folder_is_another(tmp_path, photo):
    for index, name in enumerate(("first", "second")):
        write_picture(tmp_path / name / "a.bmp", photo[index : index + 40, :40])
        os.utime(tmp_path / name / "a.bmp", (1e9, 1e9))
    made = [upscaled("bicubic", tmp_path / name, tmp_path / "out", scale=2)["a"].pixels for name in ("first", "second")]
    assert not np.array_equal(*made)


def test_an_exchanged_picture_is_upscaled_again(tmp_path, photo):
    for name in "ab":
        write_picture(tmp_path / "in" / f"{name}.png", photo)
    upscaled("bicubic", tmp_path / "in", tmp_path / "out", scale=2)
    write_picture(tmp_path / "in" / "b.png", photo[:20])
    again = upscaled("bicubic", tmp_path / "in", tmp_path / "out", scale=2)
    assert {name: picture.height for name, picture in again.items()} == {"b": 40}


def test_results_of_another_model_are_not_passed_off(tmp_path, photo, small_model):
    write_picture(tmp_path / "in" / "a.png", photo)
    upscaled("bicubic", tmp_path / "in", tmp_path / "out", scale=2)
    header = json.loads((tmp_path / "out" / "log.jsonl").read_text().splitlines()[0])
    assert (header["command"], header["settings"]) == ("upscale", {"interpolation": "bicubic", "scale": 2})
    with pytest.raises(PatinaError, match=r"made with interpolation bicubic, now none; .* small\.pth \("):
        upscale(UpscaleRequest(small_model, tmp_path / "in", tmp_path / "out", device="cpu"))
    write_picture(tmp_path / "mine" / "a.png", photo)
    with pytest.raises(PatinaError, match=r"mine.a\.png exists"):
        upscale(UpscaleRequest("bicubic", tmp_path / "in", tmp_path / "mine", scale=2))
    with pytest.raises(PatinaError, match="same folder"):
        upscale(UpscaleRequest("bicubic", tmp_path / "in", tmp_path / "in", scale=2))
    np.testing.assert_array_equal(read_picture(tmp_path / "mine" / "a.png").pixels, photo)


def test_a_broken_picture_is_named_and_the_others_go_on(tmp_path, photo, capsys):
    write_picture(tmp_path / "in" / "a.png", photo)
    (tmp_path / "in" / "broken.png").write_bytes(b"no image")
    folders = ["-source", str(tmp_path / "in"), "--out", str(tmp_path / "out")]
    assert run_command("upscale", ["--model", "bicubic", "-scale", "2", *folders]) == 1
    assert "broken.png" in capsys.readouterr().err
    assert [path.name for path in list_pictures(tmp_path / "out")] == ["a.png"]


def test_unusable_settings_are_refused(small_model):
    for options, message in [
        ({"scale": 4}, "upscales by 2, not by 4"),
        ({"tile": 8}, "-tile is 8"),
        ({"tile": 66}, "multiple of 4"),
        ({"overlap": 200}, "-overlap is 200"),
    ]:
        with pytest.raises(PatinaError, match=message):
            open_upscaler(small_model, device="cpu", **options)
    with pytest.raises(PatinaError, match="no such model"):
        open_upscaler("absent.pth")


@pytest.mark.skipif(torch.cuda.is_available(), reason="the device must be absent")
def test_a_device_that_is_absent_is_refused(small_model):
    with pytest.raises(PatinaError, match="-device cuda: torch finds no such device"):
        open_upscaler(small_model, device="cuda")


def test_half_precision_is_close_to_full(small_model, photo):
    full = open_upscaler(small_model, device="cpu")(photo)
    half = open_upscaler(small_model, device="cpu", precision="bf16-mixed")(photo)
    assert 35 < psnr(half, full) < np.inf


def test_a_tile_that_does_not_fit_is_explained(small_model, photo, monkeypatch):
    def exhaust(*_args):
        raise torch.cuda.OutOfMemoryError("out of memory")

    upscaler = open_upscaler(small_model, device="cpu")
    monkeypatch.setattr(upscaler.enlarge.model.model, "forward", exhaust)
    with pytest.raises(PatinaError, match="smaller -tile"):
        upscaler(photo)
