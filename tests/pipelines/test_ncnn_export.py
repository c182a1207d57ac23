"""Networks exported for ncnn, run by ncnn itself."""

import json
import sys

import numpy as np
import pytest
import torch

from exported_networks import exported, written
from patina.models import ncnn_files
from patina.models.generator_files import load_generator
from patina.models.ncnn_files import run_ncnn
from small_ludvae import write_model

pytest.importorskip("ncnn")
pytest.importorskip("pnnx")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["compact", "msrresnet", "realplksr", "rrdbnet", "SPAN"])
def test_ncnn_computes_what_the_network_does_at_any_size(tmp_path, capsys, name):
    model, out = written(tmp_path, name), tmp_path / "made.param"
    assert exported(model, out) == 0
    told = capsys.readouterr().out
    opened = load_generator(model)
    multiple = opened.size_requirements.multiple_of
    assert f"{out}: ncnn, " in told
    assert ("multiples of" in told) == (multiple > 1)
    for size in ((21, 33), (32, 20)):
        image = torch.rand(1, 3, *(multiple * side for side in size))
        with torch.no_grad():
            expected = opened(image.clone()).numpy()
        np.testing.assert_allclose(run_ncnn(out, tmp_path / "made.bin", image), expected, atol=1e-4)
    assert sorted(path.name for path in tmp_path.glob("*made*")) == ["made.bin", "made.param"]


@pytest.mark.slow
def test_the_names_are_those_that_upscayl_and_realesrgan_ncnn_look_for(tmp_path):
    assert exported(written(tmp_path), tmp_path / "net.param") == 0
    layers = [line.split() for line in (tmp_path / "net.param").read_text().splitlines()[2:]]
    assert layers[0][0] == "Input"
    assert layers[0][-1] == "data"
    used = {word for layer in layers for word in layer[4 : 4 + int(layer[2]) + int(layer[3])]}
    assert "output" in used
    assert not used & {"in0", "out0"}


@pytest.mark.slow
def test_float16_halves_the_weights(tmp_path, capsys):
    model = written(tmp_path)
    assert exported(model, tmp_path / "whole.param") == 0
    capsys.readouterr()
    assert exported(model, tmp_path / "half.param", "--fp16", "--json") == 0
    values = json.loads(capsys.readouterr().out)
    assert (values["form"], values["precision"], values["opset"]) == ("ncnn", "float16", None)
    assert 40 < values["psnr"] < 120
    whole, half = ((tmp_path / name).stat().st_size for name in ("whole.bin", "half.bin"))
    assert half < 0.7 * whole


def test_what_cannot_be_written_leaves_nothing(tmp_path, capsys, monkeypatch):
    model, out = written(tmp_path), tmp_path / "net.param"
    (tmp_path / "net.bin").write_bytes(b"mine")
    assert exported(model, out) == 2
    assert "net.bin exists; choose another -out" in capsys.readouterr().err
    (tmp_path / "net.bin").unlink()
    monkeypatch.setattr(ncnn_files, "_FOREIGN", ncnn_files.re.compile(r"^(Convolution)", ncnn_files.re.M))
    assert exported(model, out) == 2
    assert "cannot be exported as ncnn: it has no layer for Convolution" in capsys.readouterr().err
    monkeypatch.setattr(ncnn_files, "_renamed", lambda layers: layers.replace("Convolution", "NoSuchLayer"))
    monkeypatch.setattr(ncnn_files, "_FOREIGN", ncnn_files.re.compile(r"^(Nothing)", ncnn_files.re.M))
    assert exported(model, out) == 2
    assert "ncnn refuses the file" in capsys.readouterr().err
    ludvae = write_model(tmp_path / "ludvae.safetensors")
    assert exported(ludvae, out) == 2
    assert "a LUD-VAE can be written as .onnx or .pt2 only" in capsys.readouterr().err
    assert not [path for path in tmp_path.iterdir() if "net" in path.name]


def test_a_missing_package_is_named_with_its_extra(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pnnx", None)
    assert exported(written(tmp_path), tmp_path / "net.param") == 2
    assert "ncnn needs pnnx, which is not installed: pip install 'patina-sr[ncnn]'" in capsys.readouterr().err
