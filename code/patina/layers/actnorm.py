"""ActNorm: a scale and a bias per channel, initialised from the first batch (Glow, arXiv 1807.03039, section 3.1)."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from patina.layers.bijection import TensorBijection

EPSILON = 1e-6


class ActNorm(TensorBijection):
    """y = (x + bias) · exp(logs), per channel.

    Args:
        channels: number of channels C; the parameters are ``[1, C, 1, 1]``.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.logs = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.learns_from_next_batch = False

    def normalise(self, x: Tensor) -> Tensor:
        """Normalise ``[N, C, H, W]`` without a log-determinant (inside a coupling's network)."""
        if self.learns_from_next_batch:
            self._initialise(x)
        return (x + self.bias) * self.logs.exp()

    def encode_tensor(self, x: Tensor, condition: Tensor | None) -> tuple[Tensor, Tensor]:
        """Normalise ``[N, C, H, W]``; log-determinant H·W·Σ logs (Glow, table 1)."""
        y = self.normalise(x)
        return y, (self.logs.sum() * x[0, 0].numel()).expand(len(x))

    def decode_tensor(self, z: Tensor, condition: Tensor | None) -> Tensor:
        """Undo the normalisation."""
        return z * torch.exp(-self.logs) - self.bias

    @torch.no_grad()
    def _initialise(self, x: Tensor) -> None:
        variance, mean = torch.var_mean(x.to(self.bias.dtype), dim=(0, 2, 3), keepdim=True, correction=0)
        self.bias.copy_(-mean)
        self.logs.copy_(-torch.log(variance.sqrt() + EPSILON))
        self.learns_from_next_batch = False


@contextmanager
def initialising_from_batch(module: nn.Module) -> Iterator[None]:
    """Inside the context, the first batch initialises every ActNorm in `module` to outputs of mean 0 and std 1."""
    actnorms = [child for child in module.modules() if isinstance(child, ActNorm)]
    for actnorm in actnorms:
        actnorm.learns_from_next_batch = True
    try:
        yield
    finally:
        for actnorm in actnorms:
            actnorm.learns_from_next_batch = False
