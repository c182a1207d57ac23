"""MSRResNet against the published network, and its files."""

from pathlib import Path

import numpy as np
import pytest
import torch

from patina.models.architectures import MAIN_REGISTRY
from patina.models.generator_files import load_generator, save_generator
from patina.models.msrresnet import MSRResNet, MSRResNetSettings

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "msrresnet_unet.npz")


def weights(name: str) -> dict[str, torch.Tensor]:
    prefix = f"{name}/w:"
    return {key[len(prefix) :]: torch.from_numpy(GOLDEN[key]) for key in GOLDEN.files if key.startswith(prefix)}


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_equals_the_published_network(scale):
    network = MSRResNet(scale, features=8, blocks=2)
    network.load_state_dict(weights(f"msrresnet_x{scale}"))
    picture = torch.from_numpy(GOLDEN[f"msrresnet_x{scale}/in_u8"]).float() / 255
    with torch.no_grad():
        np.testing.assert_allclose(network(picture).numpy(), GOLDEN[f"msrresnet_x{scale}/out"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_published_and_own_files_open(tmp_path, scale, suffix):
    path = tmp_path / f"model{suffix}"
    if suffix == ".pth":
        torch.save({"params_ema": weights(f"msrresnet_x{scale}")}, path)
    else:
        network = MSRResNetSettings(scale=scale, features=8, blocks=2).build()
        network.load_state_dict(weights(f"msrresnet_x{scale}"))
        save_generator(network, path)
    model = load_generator(path)
    picture = torch.from_numpy(GOLDEN[f"msrresnet_x{scale}/in_u8"]).float() / 255
    expected = np.clip(GOLDEN[f"msrresnet_x{scale}/out"], 0, 1)
    assert (model.architecture.id, model.scale, model.tags) == ("MSRResNet", scale, ["features 8", "blocks 2"])
    np.testing.assert_allclose(model(picture).numpy(), expected, rtol=0, atol=1e-5)


def test_opening_a_file_draws_no_random_numbers_and_leaves_spandrels_own_list_alone(tmp_path):
    save_generator(MSRResNetSettings(scale=4, features=8, blocks=1).build(), tmp_path / "model.safetensors")
    before = torch.get_rng_state()
    load_generator(tmp_path / "model.safetensors")
    assert torch.equal(torch.get_rng_state(), before)
    assert "MSRResNet" not in MAIN_REGISTRY


def test_a_fresh_network_starts_near_the_bilinear_picture():
    picture = torch.rand(1, 3, 12, 10)
    bilinear = torch.nn.functional.interpolate(picture, scale_factor=4, mode="bilinear")
    with torch.no_grad():
        assert (MSRResNetSettings(scale=4).build()(picture) - bilinear).abs().max() < 0.1


def test_the_course_network_has_its_published_size():
    assert sum(parameter.numel() for parameter in MSRResNetSettings().build().parameters()) == 1_517_571
