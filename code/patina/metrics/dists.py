"""DISTS (Ding et al. 2020, arXiv:2004.07728), computed by torchmetrics with VGG16's published weights."""

from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from patina import torchvision_shim
from patina.metrics.backbones import VGG16, backbone_weights, missing_weights
from patina.metrics.image_batch import image_batch
from patina.metrics.image_pair import comparable

torchvision_shim.ensure()  # torchmetrics imports torchvision

from torchmetrics.functional.image import dists  # noqa: E402
from torchvision.models import vgg  # noqa: E402

SMALLEST = 32
"""Smallest side of an image in pixels: VGG16 halves it four times."""


class Dists:
    """The published metric; 0 for equal images.

    Args:
        device: where to compute.

    Raises:
        WeightsMissing: the VGG16 weights are not on this machine and cannot be downloaded.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.network = dists_network().to(device)

    @torch.no_grad()
    def __call__(self, result: np.ndarray, gt: np.ndarray, *, crop: int = 0) -> float:
        """Return the distance of two images; arguments as in `psnr`.

        Raises:
            TooSmallForMetric: less than 32 pixels are left along a side.
        """
        pair = comparable(result, gt, crop=crop, space="rgb", minimum=SMALLEST)
        first, second = (image_batch(image, self.device) for image in pair)
        return float(cast(Tensor, self.network(first, second)).mean())


def dists_network(hint: str = "") -> nn.Module:
    """Return torchmetrics' network, frozen; its VGG16 has the weights from `backbone_weights`.

    Args:
        hint: an alternative, added to the error message.

    Raises:
        WeightsMissing: the VGG16 weights are not on this machine and cannot be downloaded, or are damaged.
    """
    weights = backbone_weights(VGG16, hint)
    network = nn.Module()
    network.features = vgg.make_layers(vgg.cfgs["D"])
    own = {name: value for name, value in weights.items() if name.startswith("features.")}
    try:
        network.load_state_dict(own)
    except RuntimeError as error:
        raise missing_weights(VGG16, hint) from error
    before = vars(dists)["vgg16"]
    vars(dists)["vgg16"] = lambda weights: network  # torchmetrics would look into torch hub's cache alone
    try:
        return dists.DISTSNetwork().requires_grad_(False).eval()
    finally:
        vars(dists)["vgg16"] = before
