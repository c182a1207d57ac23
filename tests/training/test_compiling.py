"""Training through torch.compile."""

import shutil

import pytest
import torch
from safetensors.torch import load_file

from patina.cli.main import run_command
from patina.pipelines.multiscale_set import prepare
from patina.training import compiling
from sets import write_config, write_pictures


@pytest.fixture
def train(tmp_path):
    prepare(write_pictures(tmp_path / "pictures", 2, height=64, width=80), tmp_path, [1, 2], workers=1)

    def run(name: str, **settings) -> int:
        values = {
            "task": "restoration",
            "name": name,
            "runs": str(tmp_path / "runs"),
            "model": {"architecture": "srcnn", "scale": 2} | settings.pop("model", {}),
            "data": {"lq": str(tmp_path / "2x"), "gt": str(tmp_path / "1x"), "patch": 32, "batch": 2, "workers": 0},
            "validation": {"lq": str(tmp_path / "2x"), "gt": str(tmp_path / "1x")},
            "stages": [{"name": "psnr", "steps": 3, "validate_every": 2, "learning_rate": 1e-3, **settings}],
        }
        return run_command("train", ["-opt", str(write_config(tmp_path / f"{name}.yml", values)), "-device", "cpu"])

    return run


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.skipif(not (shutil.which("g++") or shutil.which("clang++")), reason="needs a C++ compiler")
def test_compiled_training_gives_the_same_weights(train, tmp_path):
    model = {"architecture": "msrresnet", "features": 8, "blocks": 1}
    before = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    assert train("eager", model=model) == 0
    assert train("compiled", model=model, compile=True) == 0
    # The trial and the network: validation is not compiled for its size.
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == before + 2
    eager, compiled = (
        load_file(tmp_path / f"runs/{name}/psnr/models/final.safetensors") for name in ("eager", "compiled")
    )
    for name, value in eager.items():
        torch.testing.assert_close(compiled[name], value, atol=1e-5, rtol=1e-4)


def test_without_a_compiler_it_is_one_line(train, tmp_path, monkeypatch, capsys):
    def refuse(function):
        def call(*_):
            raise RuntimeError("no compiler\nand a long list of where it was looked for")

        return call

    monkeypatch.setattr(compiling.torch, "compile", refuse)
    assert train("compiled", model={"architecture": "msrresnet", "features": 8, "blocks": 1}, compile=True) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: compile: true does not work here (no compiler); install a C++ compiler")
