"""How much content a condition preserves, measured by how well a small network reconstructs the image from it."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from patina.seeding import derive

SIDE, BATCH, FEATURES = 16, 8, 32
"""Side of a training crop of the condition in pixels, crops in a batch, and channels of the network."""


class Inverse(nn.Module):
    """Maps ``[N, 3, h, w]`` to ``[N, 3, scale h, scale w]``: five convolutions added to bilinear upscaling."""

    def __init__(self, scale: int):
        super().__init__()
        self.scale = scale
        layers: list[nn.Module] = [nn.Conv2d(3, FEATURES, 3, padding=1), nn.ReLU()]
        for _ in range(3):
            layers += [nn.Conv2d(FEATURES, FEATURES, 3, padding=1), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Conv2d(FEATURES, 3 * scale**2, 3, padding=1), nn.PixelShuffle(scale))

    def forward(self, condition: Tensor) -> Tensor:
        """Return the image, not clamped."""
        size = [self.scale * length for length in condition.shape[-2:]]
        return self.layers(condition) + functional.interpolate(condition, size=size, mode="bilinear")


def content_kept(
    conditions: Sequence[Tensor], images: Sequence[Tensor], held_out: Sequence[bool], *, seed: int, steps: int = 400
) -> float:
    """Train an inverse of h and return its PSNR on held-out pictures, in dB.

    Args:
        conditions: arrays ``[3, h, w]``; training crops have sides of `SIDE`, or the shortest side of all conditions.
        images: arrays ``[3, scale h, scale w]`` in [0, 1].
        held_out: whether a picture is held out of the training; both kinds must occur.
        seed: seed of weights and batches.
        steps: training steps.

    Returns:
        PSNR in dB over all held-out pixels; higher means that more content is preserved.
    """
    scale = images[0].shape[-1] // conditions[0].shape[-1]
    rng = np.random.default_rng(derive(seed, "inverse"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "inverse weights"))
        network = Inverse(scale)
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    known = [index for index, held in enumerate(held_out) if not held]
    for _ in range(steps):
        condition, image = _batch(conditions, images, known, scale, rng)
        optimizer.zero_grad()
        functional.mse_loss(network(condition), image).backward()
        optimizer.step()
        schedule.step()
    return _psnr(network, [(conditions[i], images[i]) for i, held in enumerate(held_out) if held])


def _batch(
    conditions: Sequence[Tensor], images: Sequence[Tensor], known: list[int], scale: int, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    side = min(SIDE, *(length for index in known for length in conditions[index].shape[-2:]))
    small, large = [], []
    for index in rng.choice(known, BATCH):
        top, left = (int(rng.integers(length - side + 1)) for length in conditions[index].shape[-2:])
        small.append(conditions[index][:, top : top + side, left : left + side])
        large.append(images[index][:, scale * top :, scale * left :][:, : scale * side, : scale * side])
    return torch.stack(small), torch.stack(large)


@torch.inference_mode()
def _psnr(network: Inverse, pairs: Sequence[tuple[Tensor, Tensor]]) -> float:
    errors = [(network(condition[None])[0].clamp(0, 1) - image).square() for condition, image in pairs]
    mean = float(torch.cat([error.flatten() for error in errors]).mean())
    return math.inf if mean == 0 else -10 * math.log10(mean)
