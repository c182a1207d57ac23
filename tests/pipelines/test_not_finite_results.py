"""Models that give NaN or infinity: no picture is written or scored, whatever the command, and the model is named."""

import json

import pytest
from safetensors.torch import save_file

import patina
import small_deflow
import small_ludif
import small_ludvae
from patina.cli.main import run_command
from patina.errors import PatinaError
from patina.imaging.picture_files import write_picture
from patina.models.generator_files import save_generator
from patina.models.model_files import METADATA_KEY, load_model_file
from patina.models.rrdbnet import RRDBNetSettings
from patina.models.sr3 import KIND, SR3, DiffusionSchedule, SR3Architecture
from sets import contents, picture, write_pictures

OUTPUTS = {
    small_deflow: "layers.1.members.0.bias",
    small_ludvae: "outconv.bias",
    small_ludif: "real.unet.conv_out.bias",
}
"""The last bias of every learned degradation's file, by the module that writes it."""

BAD = [float("nan"), float("inf"), float("-inf")]


@pytest.fixture
def source(tmp_path):
    for number in range(2):
        write_picture(tmp_path / "in" / f"{number}.png", picture(number, 32, 40))
        write_picture(tmp_path / "gt" / f"{number}.png", picture(number, 64, 80))
    return tmp_path / "in"


@pytest.fixture(params=BAD, ids=str)
def bad(request):
    return request.param


@pytest.fixture
def model(tmp_path, bad):
    network = RRDBNetSettings(scale=2, features=8, blocks=1, growth=4).build()
    network.model[-1].bias.data.fill_(bad)
    save_generator(network, tmp_path / "broken.safetensors")
    return tmp_path / "broken.safetensors"


def run(*words) -> int:
    return run_command(str(words[0]), [str(word) for word in words[1:]])


def test_upscale_writes_nothing_and_names_model_picture_and_place(source, model, tmp_path, capsys):
    assert run("upscale", "-model", model, "-source", source, "-out", tmp_path / "out", "-device", "cpu") == 1
    told = capsys.readouterr().err
    assert "0 images made" in told
    for number in range(2):
        assert f"{source / f'{number}.png'}: {model} gave no image: 15360 of 15360 values are not finite" in told
    assert "at row 0, column 0" in told
    assert not [name for name in contents(tmp_path / "out") if name.endswith(".png")]


@pytest.mark.slow
def test_nothing_of_it_is_scored_and_other_models_are(source, model, tmp_path, capsys):
    sets = ["-set", "small", source, tmp_path / "gt", "-out", tmp_path / "out", "-device", "cpu", "-no_lpips"]
    assert run("evaluate", "-model", model, "bicubic", *sets) == 1
    table = (tmp_path / "out" / "comparison.md").read_text()
    assert f"broken was not measured on small: {model} gave no image" in table
    rows = json.loads((tmp_path / "out" / "comparison.json").read_text())["rows"]
    assert [row["model"] for row in rows] == ["bicubic"]


def test_the_api_refuses_it(model):
    upscaler = patina.load_upscaler(model, device="cpu")
    with pytest.raises(PatinaError, match="values are not finite"):
        upscaler(picture(0, 32, 40))


@pytest.mark.parametrize("kind", OUTPUTS, ids=lambda kind: kind.__name__)
def test_translation_names_model_picture_and_place(source, tmp_path, capsys, kind, bad):
    path = kind.write_model(tmp_path / "broken.safetensors")
    model = load_model_file(path)
    about = {name: value for name, value in vars(model).items() if name != "weights"}
    name = OUTPUTS[kind]
    model.weights[name].fill_(bad)
    save_file(model.weights, path, {METADATA_KEY: json.dumps(about)})
    assert small_ludvae.translate(path, source, tmp_path / "out") == 1
    told = capsys.readouterr().err
    assert f"{source / '0.png'}: {path}: the model gave values that are not finite" in told
    assert "at row 0, column 0" in told
    assert not [name for name in contents(tmp_path / "out") if name.endswith(".png")]


def test_diffusion_is_refused_too(tmp_path, capsys, bad):
    source = write_pictures(tmp_path / "small", 1, height=16, width=16)
    architecture = {"channels": 8, "multipliers": [1, 2], "attention": [1], "blocks": 1}
    configuration = {"architecture": architecture, "schedule": {"steps": 10}, "sampler": "ddim", "steps": 2, "side": 16}
    network = SR3(SR3Architecture(**architecture), DiffusionSchedule(steps=10))
    network.unet.conv_out.bias.data.fill_(bad)
    about = {"kind": KIND, "configuration": configuration}
    save_file(network.state_dict(), tmp_path / "sr3.safetensors", {METADATA_KEY: json.dumps(about)})
    out = tmp_path / "out"
    assert run("upscale", "-model", tmp_path / "sr3.safetensors", "-source", source, "-out", out, "-device", "cpu") == 1
    assert "sr3.safetensors gave no image" in capsys.readouterr().err
