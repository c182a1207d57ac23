import numpy as np
import pytest
import torch
from torch import nn

from golden_numbers import golden_arrays, golden_tensors
from patina.errors import PatinaError
from patina.models.discriminators import UNetDiscriminator, VGGDiscriminator

GOLDEN = golden_arrays("srresnet")


def published_weights():
    """The published network's layers in their order, which is the order of ours."""
    return golden_tensors("srresnet", "vggdisc/w:").items()


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


UNET = golden_arrays("msrresnet_unet")
UNET_LAYERS = {
    "down.0": "conv1",
    "down.1": "conv2",
    "down.2": "conv3",
    "up.0": "conv4",
    "up.1": "conv5",
    "up.2": "conv6",
    "tail.0": "conv7",
    "tail.1": "conv8",
}
"""Our layers and the published ones."""


def unet(skip: bool = True) -> UNetDiscriminator:
    state = {}
    for ours, published in UNET_LAYERS.items():
        for part, key in (("original", "orig"), ("0._u", "u"), ("0._v", "v")):
            state[f"{ours}.parametrizations.weight.{part}"] = UNET[f"unetsn/w:{published}.weight_{key}"]
    for ours, published in (("first", "conv0"), ("last", "conv9")):
        state |= {f"{ours}.{part}": UNET[f"unetsn/w:{published}.{part}"] for part in ("weight", "bias")}
    network = UNetDiscriminator(features=8, skip=skip)
    network.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
    return network.eval()


@pytest.mark.parametrize(("skip", "key"), [(True, "out"), (False, "out_noskip")])
def test_the_unet_is_the_published_network(skip, key):
    rgb = torch.from_numpy(UNET["unetsn/in_u8"]).float() / 255
    with torch.no_grad():
        np.testing.assert_allclose(unet(skip)(rgb).numpy(), UNET[f"unetsn/{key}"], rtol=0, atol=1e-5)


def test_the_unets_spectral_norms_are_the_published_ones():
    network = unet()
    for (ours, published), sigma in zip(UNET_LAYERS.items(), UNET["unetsn/sigma"], strict=True):
        effective = network.get_submodule(ours).weight.detach().double().numpy()
        original = UNET[f"unetsn/w:{published}.weight_orig"].astype(np.float64)
        np.testing.assert_allclose(original / sigma, effective, rtol=0, atol=1e-6)


def test_the_unets_norms_follow_the_weights_in_training():
    network = UNetDiscriminator(features=2).train()
    network.down[0].parametrizations.weight.original.data *= 5
    for _ in range(20):
        network(torch.rand(1, 3, 16, 8))
    weight = network.down[0].weight.detach().flatten(1)
    assert torch.linalg.matrix_norm(weight, 2).item() == pytest.approx(1, abs=1e-2)
