"""Networks computed by onnxruntime and OpenVINO: the results are torch's, and nothing is mixed in a folder."""

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from patina.cli.main import run_command
from patina.errors import PatinaError
from patina.imaging.picture_files import read_picture, write_picture
from patina.metrics.psnr import psnr
from patina.models.generator_files import load_generator, save_generator
from patina.models.rrdbnet import RRDBNetSettings
from patina.models.spandrel_network import SpandrelSettings
from patina.pipelines import network_backends
from patina.pipelines.network_backends import FASTER_IN_OPENVINO, SAME_PSNR, chosen_backend
from patina.pipelines.network_upscalers import TiledModel
from patina.pipelines.upscalers import open_upscaler
from patina.pipelines.upscaling import UpscaleRequest, continuing, upscale
from sets import picture
from small_networks import TINY

BY_GRAPH = ["onnxruntime", "openvino"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    torch.manual_seed(3)
    network = RRDBNetSettings(scale=2, features=8, blocks=1, growth=4).build()
    path = tmp_path_factory.mktemp("model") / "small.safetensors"
    with torch.no_grad():
        network.model[-1].weight *= 20
        network.model[-1].bias.fill_(0.4)
    save_generator(network, path)
    return path


@pytest.mark.parametrize("backend", BY_GRAPH)
def test_results_are_those_of_torch(model, backend):
    image = picture(1, 50, 70)
    expected = open_upscaler(model, device="cpu", tile=48, overlap=16)
    other = open_upscaler(model, device="cpu", tile=48, overlap=16, backend=backend)
    assert other.made_by.settings == {**expected.made_by.settings, "backend": backend}
    first, second = expected(image), other(image)
    assert first.std() > 3
    assert np.abs(first.astype(int) - second).max() <= 1
    assert psnr(first, second) > 60
    assert not np.array_equal(second, other(image[::-1]))  # a later result overwrites no earlier one


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Compact", "ESRGAN", "RealPLKSR", "SPAN"])
def test_the_measured_architectures_have_the_same_results_in_openvino(tmp_path, name):
    torch.manual_seed(1)
    save_generator(
        SpandrelSettings(**{"architecture": name, "scale": 2, **TINY[name]}).build(), tmp_path / "a.safetensors"
    )
    network = load_generator(tmp_path / "a.safetensors")
    assert chosen_backend(tmp_path / "a.safetensors", network, "openvino", False).run is not None
    assert network.architecture.id == name.removeprefix("Real")
    taken = chosen_backend(tmp_path / "a.safetensors", network, "auto", False).name
    assert taken == ("openvino" if False in FASTER_IN_OPENVINO[network.architecture.id] else "torch")


def test_other_results_are_not_taken(model, monkeypatch, capsys):
    monkeypatch.setitem(network_backends.OPEN, "openvino", lambda graph, half: wrong)
    assert open_upscaler(model, device="cpu", backend="auto").made_by.settings.get("backend") is None
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert f"expected {SAME_PSNR:g}; torch is used instead" in told
    with pytest.raises(PatinaError, match=r"openvino cannot compute .*: its results have a PSNR of \d+\.\d dB"):
        open_upscaler(model, device="cpu", backend="openvino")


def test_openvino_is_imported_without_its_telemetry(model):
    open_upscaler(model, device="cpu", backend="openvino")
    assert "openvino" in sys.modules
    assert "openvino_telemetry" not in sys.modules


def wrong(tile):
    return tile.repeat_interleave(2, 2).repeat_interleave(2, 3)


def test_without_the_package_auto_is_torch(model, monkeypatch, capsys):
    monkeypatch.setattr(network_backends, "find_spec", lambda name: None)
    assert "backend" not in open_upscaler(model, device="cpu", backend="auto").made_by.settings
    assert capsys.readouterr().err == ""
    with pytest.raises(PatinaError, match=r"-backend onnxruntime needs onnxruntime, .*patina-sr\[export\]"):
        open_upscaler(model, device="cpu", backend="onnxruntime")


def test_what_a_backend_cannot_do_is_said(model):
    with pytest.raises(PatinaError, match="computes in float32"):
        open_upscaler(model, device="cpu", backend="onnxruntime", precision="bf16-mixed")
    with pytest.raises(PatinaError, match="networks of one pass"):
        open_upscaler("bicubic", scale=2, backend="openvino")


@pytest.mark.slow
def test_a_folder_is_not_continued_by_another_backend(model, tmp_path, capsys):
    for number in range(2):
        write_picture(tmp_path / "in" / f"{number}.png", picture(number, 40, 48))
    words = ["-model", str(model), "-source", str(tmp_path / "in"), "-out", str(tmp_path / "out"), "-device", "cpu"]
    assert run_command("upscale", [*words, "-precision", "32", "-backend", "openvino"]) == 0
    (tmp_path / "out" / "1.png").unlink()
    assert run_command("upscale", [*words, "-precision", "32", "-backend", "torch"]) == 2
    assert "made with backend openvino, now none" in capsys.readouterr().err
    assert run_command("upscale", [*words, "-precision", "32"]) == 0  # auto is openvino here
    again = open_upscaler(model, device="cpu", backend="openvino")(picture(1, 40, 48))
    np.testing.assert_array_equal(read_picture(tmp_path / "out" / "1.png").pixels, again)


def test_a_model_may_be_used_by_two_threads(model):
    upscaler = open_upscaler(model, device="cpu", tile=48, overlap=16, backend="openvino")
    images = [picture(number, 90, 90) for number in range(4)]
    expected = [upscaler(image) for image in images]
    with ThreadPoolExecutor(2) as threads:
        np.testing.assert_array_equal(list(threads.map(upscaler, images * 3)), expected * 3)


@pytest.mark.parametrize("out", ["out", "out/%03d.tar"])
def test_auto_continues_by_what_made_the_folder(model, tmp_path, monkeypatch, out):
    write_picture(tmp_path / "in" / "0.png", picture(0, 24, 24))
    request = UpscaleRequest(model, tmp_path / "in", tmp_path / out, device="cpu", backend="torch")
    auto = replace(request, backend="auto")
    assert continuing(auto).backend == "auto"
    upscale(request)
    assert continuing(auto).backend == "torch"
    upscale(auto)
    assert continuing(replace(auto, model="bicubic")).backend == "auto"
    monkeypatch.setattr(network_backends, "find_spec", lambda name: None)
    assert continuing(auto).backend == "torch"


def test_auto_asks_for_the_package_that_began_the_folder(model, tmp_path, monkeypatch):
    write_picture(tmp_path / "in" / "0.png", picture(0, 24, 24))
    request = UpscaleRequest(model, tmp_path / "in", tmp_path / "out", device="cpu", backend="openvino")
    upscale(request)
    auto = replace(request, backend="auto")
    assert continuing(auto).backend == "openvino"
    monkeypatch.setattr(network_backends, "find_spec", lambda name: None)
    with pytest.raises(PatinaError, match=r"out was begun by openvino, .*patina-sr\[openvino\].*-backend torch"):
        upscale(auto)


def test_infinity_is_no_white_image(model):
    tiled = TiledModel(load_generator(model), backend=network_backends.Backend("openvino", lambda tile: tile / 0))
    assert torch.isnan(tiled._on_tile(torch.ones(1, 3, 8, 8), None)).all()
