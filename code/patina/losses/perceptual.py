"""Perceptual loss: distance of VGG19 features (Johnson et al. 2016, as used in ESRGAN)."""

from collections import OrderedDict
from collections.abc import Collection, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from patina.errors import ConfigError
from patina.metrics.backbones import VGG19, backbone_weights, missing_weights

WEIGHTS = VGG19
"""torchvision's VGG19, trained on ImageNet."""

ESRGAN_LAYERS = {"conv5_4": 1.0}
"""ESRGAN's layer: the last convolution, before its activation."""

_INSTEAD = "or train without `perceptual`"
_BLOCKS = ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512))  # convolutions and channels between poolings
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, of RGB in [0, 1]


class PerceptualLoss(nn.Module):
    """Weighted L1 distance of VGG19 features. The VGG19 weights are frozen and not part of the state dict.

    Args:
        layers: weight of every layer used. ``convB_I`` is convolution I of block B before its activation, ``reluB_I``
            after it, ``poolB`` the pooling after block B.

    Raises:
        ConfigError: no layers, or a layer that VGG19 does not have.
        WeightsMissing: the VGG19 weights are not on this machine and cannot be downloaded.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, layers: Mapping[str, float] = ESRGAN_LAYERS) -> None:
        super().__init__()
        self.layers = dict(layers)
        self.features = _pretrained_features(self.layers)
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(_STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the distance of two batches.

        Args:
            prediction, target: RGB ``[N, 3, H, W]`` in [0, 1]; the gradient flows to the prediction only.

        Returns:
            A scalar.
        """
        with torch.no_grad():
            wanted = self._extract(target)
        found = self._extract(prediction)
        distances = [weight * functional.l1_loss(found[name], wanted[name]) for name, weight in self.layers.items()]
        return torch.stack(distances).sum()

    def _extract(self, rgb: Tensor) -> dict[str, Tensor]:
        x = (rgb - self.mean) / self.std
        outputs = {}
        for name, layer in self.features.named_children():
            x = layer(x)
            if name in self.layers:
                outputs[name] = x
        return outputs


def _pretrained_features(wanted: Collection[str]) -> nn.Sequential:
    features = _cut_after_last(_vgg19_layers(), wanted)
    weights = backbone_weights(WEIGHTS, _INSTEAD)
    try:
        for index, layer in enumerate(features):
            layer.load_state_dict({name: weights[f"features.{index}.{name}"] for name in layer.state_dict()})
    except (KeyError, RuntimeError) as error:
        raise missing_weights(WEIGHTS, _INSTEAD) from error
    return features.requires_grad_(False).eval()


def _vgg19_layers() -> OrderedDict[str, nn.Module]:
    """Build the convolutional part of VGG19 (Simonyan and Zisserman 2014, configuration E), layers by name.

    The activations are not in place: they would overwrite the features taken before them.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    channels = 3
    for block, (convolutions, width) in enumerate(_BLOCKS, 1):
        for index in range(1, convolutions + 1):
            layers[f"conv{block}_{index}"] = nn.Conv2d(channels, width, 3, padding=1)
            layers[f"relu{block}_{index}"] = nn.ReLU()
            channels = width
        layers[f"pool{block}"] = nn.MaxPool2d(2)
    return layers


def _cut_after_last(layers: OrderedDict[str, nn.Module], wanted: Collection[str]) -> nn.Sequential:
    names = list(layers)
    unknown = [name for name in wanted if name not in layers]
    if unknown or not wanted:
        found = f"unknown layer {unknown[0]!r}" if unknown else "no layers"
        raise ConfigError(f"perceptual.layers: {found}, expected layers of VGG19 out of {', '.join(names)}")
    last = max(names.index(name) for name in wanted)
    return nn.Sequential(OrderedDict((name, layers[name]) for name in names[: last + 1]))
