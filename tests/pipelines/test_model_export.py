"""Restoration networks and LUD-VAEs exported for other programs, and what cannot be exported."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from exported_networks import NETWORKS, exported, written
from patina.cli.main import run_command
from patina.models.generator_files import load_generator, save_generator
from patina.models.network_export import ExportedNetwork, opened_program
from patina.pipelines import exported_graphs, model_export
from patina.pipelines.graph_forms import FORMS, GraphForm
from patina.specs.learned_spec import learned_degradation
from sets import write_deflow_model
from small_ludvae import write_model

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


def run_onnx(path, image: torch.Tensor) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {"input": image.numpy()})[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_onnx_computes_what_the_network_does_at_any_size(tmp_path, capsys, name):
    model, out = written(tmp_path, name), tmp_path / "net.onnx"
    assert exported(model, out) == 0
    told = capsys.readouterr().out
    assert "ONNX, opset 18" in told
    assert "on images of 37x53 and 64x48: " in told
    assert "PSNR to the network" in told or "the results are the network's" in told  # exact on some processors
    opened = load_generator(model)
    for size in ((21, 33), (32, 20)):
        image = torch.rand(1, 3, *size)
        with torch.no_grad():
            expected = opened(image).numpy()
        np.testing.assert_allclose(run_onnx(out, image), expected, atol=1e-4)
    graph = onnx.load(str(out))
    onnx.checker.check_model(graph)
    assert {entry.key: entry.value for entry in graph.metadata_props}["scale"] == str(opened.scale)
    assert [entry.version for entry in graph.opset_import if entry.domain == ""] == [18]
    height, width = graph.graph.input[0].type.tensor_type.shape.dim[2:]
    assert height.dim_param != width.dim_param
    assert [path.name for path in tmp_path.glob("net*")] == ["net.onnx"]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "multiple"), [("compact", 1), ("compact", 4), ("SPAN", 1)])
def test_a_program_of_torch_computes_what_the_network_does_at_any_size(tmp_path, capsys, monkeypatch, name, multiple):
    def load_generator(path):
        opened = load(path)
        from spandrel import SizeRequirements  # here, as it needs a torchvision that Patina's modules have imported

        opened.size_requirements = SizeRequirements(multiple_of=multiple)
        return opened

    load = exported_graphs.load_generator
    monkeypatch.setattr(exported_graphs, "load_generator", load_generator)
    model, out = written(tmp_path, name), tmp_path / "net.pt2"
    assert run_command("export", [str(model), "-out", str(out), "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert (values["out"], values["opset"], values["largest_difference"]) == (
        str(out),
        None,
        pytest.approx(0, abs=1e-5),
    )
    opened, program = load_generator(model), opened_program(out)
    for size in ((21, 33), (32, 20)):
        image = torch.rand(1, 3, *size)
        with torch.no_grad():
            np.testing.assert_allclose(program(image).numpy(), opened(image).numpy(), atol=1e-5)


@pytest.mark.slow
def test_float16_is_inside_only(tmp_path, capsys):
    model, out = written(tmp_path), tmp_path / "half.onnx"
    assert exported(model, out, "--fp16", "--json") == 0
    values = json.loads(capsys.readouterr().out)
    assert (values["precision"], values["opset"], values["scale"]) == ("float16", 18, 2)
    assert 40 < values["psnr"] < 120
    graph = onnx.load(str(out)).graph
    assert {one.type.tensor_type.elem_type for one in (*graph.input, *graph.output)} == {onnx.TensorProto.FLOAT}
    assert onnx.TensorProto.FLOAT16 in {weight.data_type for weight in graph.initializer}


@pytest.mark.parametrize("suffix", [".onnx", ".pt2"])
@pytest.mark.parametrize(
    ("value", "flags", "expected"),
    [(float("nan"), (), "is not finite"), (1e6, ("--fp16",), "beyond float16's range; export without --fp16")],
)
def test_weights_that_are_no_numbers_are_refused(tmp_path, capsys, suffix, value, flags, expected):
    network = NETWORKS["compact"]()
    with torch.no_grad():
        network.body[0].weight[0, 0, 0, 0] = value
    save_generator(network, tmp_path / "net.safetensors")
    assert exported(tmp_path / "net.safetensors", tmp_path / f"net{suffix}", *flags) == 2
    error = capsys.readouterr().err
    assert f"net.safetensors: body.0.weight {'is' if not flags else 'has'}" in error
    assert expected in error
    assert len(error.splitlines()) == 1
    assert not (tmp_path / f"net{suffix}").exists()


def test_a_file_that_computes_something_else_is_not_kept(tmp_path, capsys, monkeypatch):
    def wrong(made):
        made.files[0].write_bytes(b"other")

    def returning(value: float) -> GraphForm:
        return replace(
            FORMS[".pt2"], write=wrong, opened=lambda _: (lambda image: np.full((1, 3, 74, 106), value), "t")
        )

    monkeypatch.setitem(FORMS, ".pt2", returning(0.5))
    monkeypatch.setattr(model_export, "CHECKED", ((37, 53),))
    assert exported(written(tmp_path), tmp_path / "net.pt2") == 2
    assert "the file's results differ from the network's (PSNR " in capsys.readouterr().err
    monkeypatch.setitem(FORMS, ".pt2", returning(np.nan))
    assert exported(written(tmp_path), tmp_path / "net.pt2") == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["compact.safetensors"]


class Squares(nn.Module):
    """Works for one size only."""

    def forward(self, image):
        return image.reshape(1, 3, 24, 24)


@pytest.mark.parametrize("suffix", [".onnx", ".pt2"])
def test_a_network_of_one_size_is_refused_in_one_line(tmp_path, capsys, monkeypatch, suffix):
    model = written(tmp_path)
    opened = load_generator(model)
    opened._model = Squares()
    monkeypatch.setattr(exported_graphs, "load_generator", lambda _: opened)
    monkeypatch.setattr(model_export, "_sizes", lambda *_: [(24, 24)])
    assert exported(model, tmp_path / f"net{suffix}") == 2
    error = capsys.readouterr().err
    assert "compact.safetensors: a Squares cannot be exported as a graph of any size: " in error
    assert len(error.splitlines()) == 1


def test_odd_images_are_padded_and_cut(tmp_path):
    class Halved(nn.Module):
        def forward(self, image):
            assert image.shape[-1] % 4 == image.shape[-2] % 4 == 0
            return 2 * image.repeat_interleave(2, 2).repeat_interleave(2, 3)

    opened = load_generator(written(tmp_path, "rrdbnet"))
    opened._model = Halved()
    image = torch.rand(1, 3, 9, 14)
    expected = (2 * image.repeat_interleave(2, 2).repeat_interleave(2, 3)).clamp(0, 1)
    assert torch.equal(ExportedNetwork(opened)(image), expected)


def test_what_is_asked_for_wrongly_is_refused(tmp_path, capsys, monkeypatch):
    model = written(tmp_path)
    assert exported(model, tmp_path / "net.trt") == 2
    assert (
        "net.trt: expected one of the suffixes .onnx (ONNX), .pt2 (torch.export), .param (ncnn)"
        in capsys.readouterr().err
    )
    (tmp_path / "net.onnx").write_bytes(b"of the user")
    assert exported(model, tmp_path / "net.onnx") == 2
    assert "net.onnx exists; choose another -out, or remove it" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    assert exported(model, tmp_path / "other.onnx") == 2
    assert "ONNX needs onnxscript, which is not installed: pip install 'patina-sr[export]'" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    "knobs",
    [{"temperature": 0}, {"noise_level": 20, "temperature": 0.5, "detail": 0.4}],
    ids=["cold", "set"],
)
def test_a_ludvae_translates_as_patina_does_with_the_noise_that_it_is_given(tmp_path, capsys, knobs):
    model, out = write_model(tmp_path / "model.safetensors"), tmp_path / "noise.onnx"
    flags = [word for name, value in knobs.items() for word in (f"-{name}", str(value))]
    assert exported(model, out, "--json", *flags) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["knobs"] == {"noise_level": 12, "temperature": 1, "detail": 0} | knobs
    assert (values["architecture"], values["scale"], values["minimum"]) == ("LUD-VAE", 1, 24)
    assert values["noise"] == (3 if knobs.get("temperature") == 0 else 21)
    degradation = learned_degradation(model, device="cpu", knobs=knobs)
    session = onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
    assert [entry.name for entry in session.get_inputs()] == ["input", "noise"]
    for key, size in ((5, (31, 45)), (6, (24, 64))):
        image, noise = torch.rand(1, 3, *size), degradation.noise(key, *size)[:, : values["noise"]]
        expected = degradation.apply(image[0], values["knobs"], key).numpy()
        result = session.run(None, {"input": image.numpy(), "noise": noise.numpy()})[0][0]
        np.testing.assert_allclose(result, expected, atol=1e-4)
        other = session.run(None, {"input": image.numpy(), "noise": -noise.numpy()})[0][0]
        assert np.abs(other - result).max() > 0.01


@pytest.mark.slow
def test_a_ludvae_computes_in_float16(tmp_path, capsys):
    model = write_model(tmp_path / "model.safetensors")
    assert exported(model, tmp_path / "half.pt2", "--fp16") == 0
    told = capsys.readouterr().out
    assert "LUD-VAE x1 in float16, noise_level 12, temperature 1, detail 0" in told
    assert "and standard-normal noise [1, 21, H, W], float32" in told


def test_wrong_knobs_and_other_models_are_refused(tmp_path, capsys):
    ludvae, out = write_model(tmp_path / "ludvae.safetensors"), tmp_path / "net.pt2"
    deflow = write_deflow_model(tmp_path)
    for model, flags, expected in (
        (ludvae, ["-temperature", "0:1"], "-temperature is a range, expected one number"),
        (ludvae, ["-detail", "2"], "-detail is 2.0, expected 0 to 1"),
        (written(tmp_path), ["-detail", "1"], "-detail is a knob of a LUD-VAE, but "),
        (deflow, [], "holds a deflow model, expected a restoration network or a LUD-VAE"),
    ):
        assert exported(model, out, *flags) == 2
        error = capsys.readouterr().err
        assert expected in error
        assert len(error.splitlines()) == 1
    assert not out.exists()
