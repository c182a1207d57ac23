"""Residual-in-residual dense blocks (ESRGAN, arXiv 1809.00219, fig. 4)."""

import torch
from torch import Tensor, nn

RESIDUAL_SCALE = 0.2
SLOPE = 0.2


def conv3x3(inputs: int, outputs: int) -> nn.Conv2d:
    """Return a zero-padded 3×3 convolution with bias."""
    return nn.Conv2d(inputs, outputs, 3, padding=1)


def leaky_relu(x: Tensor) -> Tensor:
    """LeakyReLU with ESRGAN's slope."""
    return nn.functional.leaky_relu(x, SLOPE)


class DenseBlock(nn.Module):
    """Five densely connected convolutions; adds 0.2 times their result to the input.

    Args:
        features: input and output channels.
        growth: channels added by each of the first four convolutions.
    """

    def __init__(self, features: int, growth: int):
        super().__init__()
        for index in range(1, 5):
            self.add_module(f"conv{index}", conv3x3(features + (index - 1) * growth, growth))
        self.conv5 = conv3x3(features + 4 * growth, features)

    def forward(self, x: Tensor) -> Tensor:
        """``[N, features, H, W]`` to the same shape."""
        seen = x
        for index in range(1, 5):
            seen = torch.cat([seen, leaky_relu(self.get_submodule(f"conv{index}")(seen))], dim=1)
        return x + RESIDUAL_SCALE * self.conv5(seen)


class RRDB(nn.Module):
    """Three dense blocks; adds 0.2 times their result to the input. `features` and `growth` as in `DenseBlock`."""

    def __init__(self, features: int, growth: int):
        super().__init__()
        self.dense1 = DenseBlock(features, growth)
        self.dense2 = DenseBlock(features, growth)
        self.dense3 = DenseBlock(features, growth)

    def forward(self, x: Tensor) -> Tensor:
        """``[N, features, H, W]`` to the same shape."""
        return x + RESIDUAL_SCALE * self.dense3(self.dense2(self.dense1(x)))
