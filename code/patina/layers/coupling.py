"""DeFlow's conditional coupling (arXiv 2101.05796): an affine coupling of the halves, then an affine injector.

The coupling scales and shifts one half of the channels by the other half and the condition (RealNVP, arXiv 1605.08803,
equations 4 to 8, and Glow, arXiv 1807.03039, section 3.3, with a condition added). The injector scales and shifts all
channels by the condition alone. Both come from SRFlow (arXiv 2006.14200).
"""

import torch
from torch import Tensor, nn

from patina.layers.actnorm import ActNorm
from patina.layers.bijection import TensorBijection
from patina.layers.precision import full_precision

INITIAL_WEIGHT_STD = 0.05
LOGS_FACTOR = 3.0


class NormalisedConv(nn.Module):
    """A convolution without bias, followed by ActNorm; weights start normal with std 0.05."""

    def __init__(self, inputs: int, outputs: int, kernel: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs, kernel, kernel).normal_(std=INITIAL_WEIGHT_STD))
        self.actnorm = ActNorm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """``[N, inputs, H, W]`` to ``[N, outputs, H, W]``, zero-padded."""
        return self.actnorm.normalise(nn.functional.conv2d(x, self.weight, padding=self.weight.shape[-1] // 2))


class ZeroConv(nn.Module):
    """(conv3×3(x) + bias) · exp(3 · logs), zero at the start: a coupling starts constant (Glow, section 3.3)."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.logs = nn.Parameter(torch.zeros(outputs, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """``[N, inputs, H, W]`` to ``[N, outputs, H, W]``, zero-padded."""
        return nn.functional.conv2d(x, self.weight, self.bias, padding=1) * torch.exp(LOGS_FACTOR * self.logs)


class ShiftAndScale(nn.Module):
    """A small network that predicts shifts (even output channels) and positive scales (odd ones).

    Args:
        inputs: input channels.
        hidden: hidden channels.
        outputs: channels to shift and scale.
        epsilon: smallest scale; scale = sigmoid(raw + 2) + epsilon.
    """

    def __init__(self, inputs: int, hidden: int, outputs: int, epsilon: float):
        super().__init__()
        self.net = nn.Sequential(
            NormalisedConv(inputs, hidden, 3),
            nn.ReLU(),
            NormalisedConv(hidden, hidden, 1),
            nn.ReLU(),
            ZeroConv(hidden, 2 * outputs),
        )
        self.epsilon = epsilon

    def forward(self, x: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Return (shift, scale), each ``[N, outputs, H, W]`` in `dtype`."""
        raw = self.net(x).to(dtype)
        return raw[:, 0::2], torch.sigmoid(raw[:, 1::2] + 2.0) + self.epsilon


class ConditionalCoupling(TensorBijection):
    """z2 ← z2 / scale − shift with both from [z1, condition]; then z ← z / scale − shift with both from the condition.

    As in the published model, encoding divides and subtracts; RealNVP multiplies and adds.

    Args:
        channels: channels of z; the first half (rounded down) is z1.
        condition_channels: channels of the condition.
        hidden: hidden channels of the two networks.
        epsilon: smallest scale.
    """

    def __init__(self, channels: int, condition_channels: int, hidden: int, epsilon: float = 1e-3):
        super().__init__()
        self.kept = channels // 2
        self.by_half = ShiftAndScale(self.kept + condition_channels, hidden, channels - self.kept, epsilon)
        self.by_condition = ShiftAndScale(condition_channels, hidden, channels, epsilon)

    def encode_tensor(self, x: Tensor, condition: Tensor | None) -> tuple[Tensor, Tensor]:
        """Encode ``[N, C, H, W]``; the log-determinant is −Σ log scale over both maps (RealNVP, equation 6)."""
        condition = _required(condition)
        first, second = x[:, : self.kept], x[:, self.kept :]
        half_shift, half_scale = self._by_half(first, condition)
        shift, scale = self.by_condition(condition, x.dtype)
        with full_precision(x):
            z = torch.cat([first, second / half_scale - half_shift], dim=1) / scale - shift
            log_determinant = -half_scale.log().sum(dim=(1, 2, 3)) - scale.log().sum(dim=(1, 2, 3))
        return z, log_determinant

    def decode_tensor(self, z: Tensor, condition: Tensor | None) -> Tensor:
        """Undo `encode_tensor`."""
        condition = _required(condition)
        shift, scale = self.by_condition(condition, z.dtype)
        z = (z + shift) * scale
        first, second = z[:, : self.kept], z[:, self.kept :]
        half_shift, half_scale = self._by_half(first, condition)
        return torch.cat([first, (second + half_shift) * half_scale], dim=1)

    def _by_half(self, first: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        return self.by_half(torch.cat([first, condition.to(first.dtype)], dim=1), first.dtype)


def _required(condition: Tensor | None) -> Tensor:
    if condition is None:
        raise TypeError("a conditional coupling needs a condition")
    return condition
