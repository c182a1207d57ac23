"""Networks that a configuration names by their class in spandrel: built, trained, saved, opened and applied."""

import numpy as np
import pytest
import torch

from patina.cli.main import run_command
from patina.errors import ConfigError, PatinaError
from patina.imaging.picture_files import read_picture
from patina.models.spandrel_network import SpandrelSettings
from patina.pipelines.multiscale_set import prepare
from patina.specs.configuration import parse_config
from sets import write_config, write_pictures

TINY = {
    "SPAN": {"feature_channels": 8},
    "DAT": {"embed_dim": 16, "depth": [2], "num_heads": [2]},
    "SAFMN": {"dim": 8, "n_blocks": 1},
}
"""A convolutional network, a transformer, and a network whose inputs are multiples of 8."""


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    prepare(write_pictures(folder / "pictures", 2, height=64, width=76), folder, [1, 2], workers=1)
    return folder


def values(pairs, name: str, **model) -> dict:
    return {
        "task": "restoration",
        "name": "tiny",
        "runs": str(pairs / f"runs-{name}"),
        "model": {"architecture": name, "scale": 2, **TINY.get(name, {}), **model},
        "data": {"lq": str(pairs / "2x"), "gt": str(pairs / "1x"), "patch": 32, "batch": 2, "workers": 0},
        "validation": {"lq": str(pairs / "2x"), "gt": str(pairs / "1x"), "pictures": 1},
        "stages": [{"name": "only", "steps": 2, "log_every": 1, "validate_every": 2, "save_every": 2, "ema": 0.9}],
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", TINY)
def test_it_trains_and_upscales_images_of_any_size(pairs, tmp_path, name):
    config = write_config(tmp_path / "tiny.yml", values(pairs, name))
    assert run_command("train", ["-opt", str(config), "-device", "cpu"]) == 0
    file = pairs / f"runs-{name}" / "tiny/only/models/final.safetensors"
    import spandrel  # after Patina, which mends torchvision's import

    opened = spandrel.ModelLoader(device="cpu").load_from_file(file)
    assert opened.scale == 2
    source = write_pictures(tmp_path / "in", 1, height=19, width=45)
    arguments = ["-model_path", file, "-source_dir", source, "-out_dir", tmp_path / "out", "-device", "cpu"]
    assert run_command("upscale", [*map(str, arguments)]) == 0
    result = read_picture(tmp_path / "out/0.png").pixels
    with torch.no_grad():
        lq = torch.from_numpy(read_picture(source / "0.png").pixels).permute(2, 0, 1)[None] / 255
        expected = opened(lq)[0].permute(1, 2, 0) * 255
    assert result.shape == (38, 90, 3)
    assert np.abs(result - expected.numpy()).max() < 1


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"architecture": "SPAM"}, r"model.architecture: unknown network 'SPAM', did you mean SPAN\?"),
        ({"feature_chanels": 8}, r"model: unknown parameter feature_chanels of SPAN, did you mean feature_channels\?"),
        ({"upscale": 2}, "model: upscale is set; give the upscaling factor as scale"),
        ({"scale": None}, "model.scale: expected a valid integer"),
    ],
)
def test_unknown_names_and_parameters_are_refused(pairs, model, message):
    with pytest.raises(ConfigError, match=message):
        parse_config(values(pairs, "SPAN", **model), "some.yml")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"architecture": "SPAN", "img_range": 1.0}, "would read its file as a network with other results"),
        ({"architecture": "SwinIR", "window_size": 8}, "has scale 1, .* expected scale 2"),
        ({"architecture": "SAFMN"}, r"cannot be built with upscaling_factor 2 \(.*'dim'"),
        ({"architecture": "HAT", "window_size": 8, "embed_dim": 12}, "spandrel cannot read its file"),
    ],
)
def test_a_network_that_no_file_can_hold_is_refused(model, message):
    with pytest.raises(PatinaError, match=message):
        SpandrelSettings(scale=2, **model).build()


def test_patches_that_do_not_fit_the_network_are_refused(pairs):
    config = values(pairs, "SAFMN")
    config["data"]["patch"] = 40
    with pytest.raises(ConfigError, match="patch is 40, expected a multiple of 16 for SAFMN"):
        parse_config(config, "some.yml").training_stages()[0].make_task("cpu")


@pytest.mark.slow
def test_the_trial_changes_no_random_numbers():
    settings = SpandrelSettings(architecture="SPAN", scale=2, feature_channels=8)
    states = []
    for make in (settings._network, settings.build):
        torch.manual_seed(0)
        make()
        states.append(torch.get_rng_state())
    settings.input_multiple()
    assert torch.equal(*states)
    assert torch.equal(states[-1], torch.get_rng_state())
