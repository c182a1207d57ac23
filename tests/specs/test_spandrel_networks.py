"""Networks that a configuration names by their class in spandrel: what is refused, and what building them leaves."""

import pytest
import torch

from patina.errors import ConfigError, PatinaError
from patina.models.spandrel_network import SpandrelSettings
from patina.pipelines.multiscale_set import prepare
from patina.specs.configuration import parse_config
from sets import write_pictures
from small_networks import TINY


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
    config["data"]["patch"] = 32
    config["model"] = {"architecture": "SCUNet", "scale": 1, **TINY["SCUNet"]}
    config["data"]["lq"] = config["data"]["gt"]
    with pytest.raises(ConfigError, match="patch is 32, expected 40 or more for SCUNet"):
        parse_config(config, "some.yml").training_stages()[0].make_task("cpu")


@pytest.mark.slow
def test_the_trial_changes_no_random_numbers():
    settings = SpandrelSettings(architecture="SPAN", scale=2, feature_channels=8)
    states = []
    for make in (settings._network, settings.build):
        torch.manual_seed(0)
        make()
        states.append(torch.get_rng_state())
    settings.input_sizes()
    assert torch.equal(*states)
    assert torch.equal(states[-1], torch.get_rng_state())
