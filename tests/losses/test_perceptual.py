import re

import pytest
import torch

from patina import torchvision_shim
from patina.errors import ConfigError, WeightsMissing
from patina.losses.perceptual import WEIGHTS, PerceptualLoss
from patina.specs.image_losses import PerceptualSettings


@pytest.fixture(scope="module")
def vgg19():
    """torchvision's own layers with random weights."""
    torchvision_shim.ensure()
    from torchvision.models import vgg

    torch.manual_seed(0)
    return vgg.make_layers(vgg.cfgs["E"]).eval()


@pytest.fixture(scope="module")
def stored(vgg19, tmp_path_factory):
    """The file of the weights, 80 MB, which all tests share."""
    path = tmp_path_factory.mktemp("vgg19") / WEIGHTS
    torch.save({f"features.{name}": value for name, value in vgg19.state_dict().items()}, path)
    return path


@pytest.fixture
def weights(hub, stored):
    (hub / WEIGHTS).symlink_to(stored)


def batch(seed, size=32):
    return torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(seed))


def reference_features(vgg19, rgb, index):
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = (rgb - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    for layer in vgg19[: index + 1]:
        x = layer(x.clone())
    return x


@pytest.mark.parametrize(
    ("layers", "indices"),
    [({"conv5_4": 1.0}, [34]), ({"conv1_2": 0.1, "relu2_2": 1.0, "pool3": 0.5, "conv4_4": 2.0}, [2, 8, 18, 25])],
)
def test_equals_features_of_torchvision(weights, vgg19, layers, indices):
    a, b = batch(1), batch(2)
    with torch.no_grad():
        expected = sum(
            weight * (reference_features(vgg19, a, i) - reference_features(vgg19, b, i)).abs().mean()
            for weight, i in zip(layers.values(), indices, strict=True)
        )
        measured = PerceptualLoss(layers)(a, b)
    assert measured.item() == pytest.approx(expected.item(), rel=1e-5)
    assert measured.item() > 0


def test_default_is_the_last_convolution_before_activation(weights, vgg19):
    a, b = batch(1), batch(2)
    difference = reference_features(vgg19, a, 34) - reference_features(vgg19, b, 34)
    assert PerceptualLoss()(a, b).item() == pytest.approx(difference.abs().mean().item(), rel=1e-5)


def test_gradient_reaches_the_prediction_only(weights):
    prediction, target = batch(1).requires_grad_(), batch(2).requires_grad_()
    loss = PerceptualLoss({"conv2_2": 1.0})
    loss(prediction, target).backward()
    assert prediction.grad.abs().sum() > 0
    assert target.grad is None
    assert not any(parameter.requires_grad for parameter in loss.parameters())


@pytest.mark.parametrize(
    "layer",
    ["relu1_1", "pool1", "conv2_1", *(pytest.param(name, marks=pytest.mark.slow) for name in ("conv5_4", "pool5"))],
)
def test_the_smallest_patch_leaves_the_layer_a_pixel(weights, layer):
    settings = PerceptualSettings(type="perceptual", layers={"conv1_1": 1.0, layer: 1.0})
    side = settings.smallest_patch
    assert PerceptualLoss({layer: 1.0})(batch(1, side), batch(2, side)) > 0
    if side > 1:
        with pytest.raises(RuntimeError, match="too small"):
            PerceptualLoss({layer: 1.0})(batch(1, side // 2), batch(2, side // 2))


def test_unknown_and_no_layers_are_refused(hub):
    with pytest.raises(ConfigError, match=r"conv5_5.*conv5_4"):
        PerceptualLoss({"conv5_5": 1.0})
    with pytest.raises(ConfigError, match="no layers"):
        PerceptualLoss({})


def test_missing_weights_name_file_folder_and_the_way_without(hub):
    pattern = rf"{re.escape(str(hub))}.*{WEIGHTS}.*`perceptual`"
    with pytest.raises(WeightsMissing, match=pattern) as caught:
        PerceptualLoss()
    assert "\n" not in str(caught.value)


def test_damaged_weights_are_named(hub):
    torch.save({"features.0.weight": torch.zeros(1)}, hub / WEIGHTS)
    with pytest.raises(WeightsMissing, match="is damaged"):
        PerceptualLoss({"conv1_1": 1.0})
