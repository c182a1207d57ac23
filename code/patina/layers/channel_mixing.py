"""Invertible 1×1 convolution in LU form (Glow, arXiv 1807.03039, section 3.2)."""

import torch
from torch import Tensor, nn

from patina.layers.bijection import TensorBijection
from patina.layers.channels import mix_channels
from patina.layers.precision import full_precision


class ChannelMixing(TensorBijection):
    """Multiplies the channels at every position by W = P (L + I) (U + diag(sign_s · exp(log_s))) (Glow, equation 10).

    L and U are strictly triangular; the other entries of the stored matrices are ignored. W starts as a random
    rotation.

    Args:
        channels: number of channels C.
    """

    p: Tensor
    sign_s: Tensor

    def __init__(self, channels: int):
        super().__init__()
        rotation, _ = torch.linalg.qr(torch.randn(channels, channels))
        permutation, lower, upper = torch.linalg.lu(rotation)
        diagonal = upper.diagonal()
        self.register_buffer("p", permutation)
        self.register_buffer("sign_s", diagonal.sign())
        self.l = nn.Parameter(lower)
        self.u = nn.Parameter(upper.triu(1))
        self.log_s = nn.Parameter(diagonal.abs().log())

    def matrix(self) -> Tensor:
        """Return W, ``[C, C]``."""
        lower = self.l.tril(-1) + torch.eye(len(self.l), dtype=self.l.dtype, device=self.l.device)
        upper = self.u.triu(1) + torch.diag(self.sign_s * self.log_s.exp())
        return self.p @ lower @ upper

    def encode_tensor(self, x: Tensor, condition: Tensor | None) -> tuple[Tensor, Tensor]:
        """Mix the channels of ``[N, C, H, W]``; log-determinant H·W·Σ log_s (Glow, equations 9 and 11)."""
        with full_precision(x):
            z = mix_channels(x, self.matrix())
        return z, (self.log_s.sum() * x[0, 0].numel()).expand(len(x))

    def decode_tensor(self, z: Tensor, condition: Tensor | None) -> Tensor:
        """Multiply by W⁻¹, inverted in float64."""
        with full_precision(z):
            inverse = torch.linalg.inv(self.matrix().double()).to(z.dtype)
            return mix_channels(z, inverse)
