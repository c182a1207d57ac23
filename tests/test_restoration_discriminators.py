from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from patina.errors import PatinaError
from patina.models.discriminators import VGGDiscriminator

GOLDEN = np.load(Path(__file__).parent / "golden" / "srresnet.npz")


def published_weights():
    """The published network's layers in their order, which is the order of ours."""
    prefix = "vggdisc/w:"
    return [(key[len(prefix) :], torch.from_numpy(GOLDEN[key])) for key in GOLDEN.files if key.startswith(prefix)]


@pytest.fixture
def golden_network():
    network = VGGDiscriminator(128, features=4)
    groups = {}
    for name, value in published_weights():
        layer, parameter = name.rsplit(".", 1)
        groups.setdefault(layer, {})[parameter] = value
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.BatchNorm2d | nn.Linear)]
    for layer, weights in zip(layers, groups.values(), strict=True):
        layer.load_state_dict(weights, strict=True)
    return network


@pytest.mark.parametrize(("training", "key"), [(False, "out"), (True, "out_train")])
def test_128_is_the_published_network(golden_network, training, key):
    rgb = torch.from_numpy(GOLDEN["vggdisc/in_u8"]).float() / 255
    with torch.no_grad():
        logits = golden_network.train(training)(rgb)
    np.testing.assert_allclose(logits.numpy(), GOLDEN[f"vggdisc/{key}"], rtol=0, atol=2e-5)


@pytest.mark.parametrize(
    ("patch", "stages"), [(32, 3), (33, 3), (48, 3), (64, 4), (100, 4), (127, 4), (128, 5), (192, 5), (256, 6)]
)
def test_any_patch_size_works(patch, stages):
    network = VGGDiscriminator(patch, features=2)
    logits = network(torch.rand(2, 3, patch, patch))
    assert logits.shape == (2, 1)
    assert len(network.stages) == stages
    logits.sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_unusable_patches_are_refused():
    with pytest.raises(PatinaError, match="32 pixels"):
        VGGDiscriminator(31)
    with pytest.raises(ValueError, match="64x64"):
        VGGDiscriminator(64, features=2)(torch.rand(2, 3, 66, 66))
