"""Split: half of the channels become a latent (RealNVP, arXiv 1605.08803, section 3.6), normalised given the others."""

import torch
from torch import Tensor

from patina.layers.bijection import Bijection, State
from patina.layers.coupling import ZeroConv
from patina.layers.domain_gaussian import DomainGaussian
from patina.layers.precision import full_precision

EPSILON = 1e-6


class Split(Bijection):
    """Turns the last tensor z into a latent (z2 − m) / (exp(logs) + 1e-6) and z1, with (m, logs) predicted from z1.

    As in the published model, the log-determinant ignores the 1e-6.

    Args:
        channels: channels of z; the first half (rounded down) is z1.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.kept = channels // 2
        self.conv = ZeroConv(self.kept, 2 * (channels - self.kept))
        self.prior = DomainGaussian(channels - self.kept)

    def encode(self, state: State, condition: Tensor | None) -> tuple[State, Tensor]:
        """``(…, z)`` to ``(…, latent, z1)``; log-determinant −Σ logs."""
        kept, leaving = state[-1][:, : self.kept], state[-1][:, self.kept :]
        mean, logs = self._moments(kept)
        with full_precision(kept):
            latent = (leaving - mean) / (logs.exp() + EPSILON)
            return (*state[:-1], latent, kept), -logs.sum(dim=(1, 2, 3))

    def decode(self, state: State, condition: Tensor | None) -> State:
        """``(…, latent, z1)`` to ``(…, z)``."""
        *earlier, latent, kept = state
        mean, logs = self._moments(kept)
        return (*earlier, torch.cat([kept, latent * (logs.exp() + EPSILON) + mean], dim=1))

    def _moments(self, kept: Tensor) -> tuple[Tensor, Tensor]:
        raw = self.conv(kept).to(kept.dtype)
        return raw[:, 0::2], raw[:, 1::2]
