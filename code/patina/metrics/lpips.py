"""LPIPS (Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", 2018)."""

import warnings

import numpy as np
import torch
from torch import nn

from patina import torchvision_shim
from patina.errors import PatinaError
from patina.metrics.backbones import ALEXNET, backbone_weights, missing_weights
from patina.metrics.image_batch import image_batch
from patina.metrics.image_pair import comparable

WEIGHTS = ALEXNET
"""The AlexNet weights for which the published metric was calibrated."""

_SMALLEST = 31  # smaller images vanish before AlexNet's second pooling


class Lpips:
    """The published metric with the AlexNet backbone, version 0.1; 0 for equal images.

    Args:
        device: where to compute.

    Raises:
        WeightsMissing: the AlexNet weights are not on this machine and cannot be downloaded.
    """

    def __init__(self, device: str | torch.device = "cpu") -> None:
        self.device = torch.device(device)
        self.network = _load_network().to(self.device).eval()

    @torch.no_grad()
    def __call__(self, a: np.ndarray, b: np.ndarray, *, crop: int = 0) -> float:
        """Return the distance of two images.

        Args:
            a, b: RGB images ``[H, W, 3]`` of one shape and dtype: uint8, uint16, or float in [0, 1].
            crop: pixels to crop from every border.

        Returns:
            0 for equal images, rarely above 1.

        Raises:
            PatinaError: the images differ in size or type, are not RGB, or are smaller than 31x31 after cropping.
        """
        first, second = comparable(a, b, crop=crop, space="rgb", minimum=_SMALLEST)
        if first.shape[2] != 3:
            raise PatinaError(f"LPIPS needs the 3 channels of RGB, the images have {first.shape[2]}")
        pair = (image_batch(image, self.device) for image in (first, second))
        return float(self.network(*pair, normalize=True))


def _load_network() -> nn.Module:
    weights = backbone_weights(WEIGHTS)
    torchvision_shim.ensure()
    import lpips

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lpips uses an interface that torchvision has deprecated
        network = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    try:
        network.net.load_state_dict({name: weights[_published_name(name)] for name in network.net.state_dict()})
    except (KeyError, RuntimeError) as error:
        raise missing_weights(WEIGHTS) from error
    return network


def _published_name(name: str) -> str:
    """Map lpips' ``slice2.3.weight`` to torchvision's ``features.3.weight``."""
    return "features." + name.split(".", 1)[1]
