"""The two Gaussians of a latent: N(0, I) for clean images, N(mu, I + S Sᵀ) for real ones.

A real image's latent is a clean one plus an independent shift (DeFlow, Wolf et al. 2021, arXiv 2101.05796):
z_y = z_x + u with z_x ~ N(0, I) and u ~ N(mu, S Sᵀ). mu and S are all that distinguishes the domains.
"""

import math

import torch
from torch import Tensor, nn

from patina.layers.channels import mix_channels
from patina.layers.precision import full_precision

START_OF_S = 0.01
"""S starts at this multiple of I: at S = 0 the gradient of S Sᵀ vanishes and S would never be learned."""


class DomainGaussian(nn.Module):
    """The density of one latent in both domains, and the translation between the domains.

    Labels are ``[N]``, 0 for the clean domain X, 1 for the real domain Y. Latents and noise are ``[N, C, H, W]``.

    Args:
        channels: channels C of the latent; mu is ``[C]``, S is ``[C, C]``, shared by all positions.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.mean_shift = nn.Parameter(torch.zeros(channels))
        self.cov_shift = nn.Parameter(START_OF_S * torch.eye(channels))

    def log_density(self, z: Tensor, label: Tensor) -> Tensor:
        """Return log p(z | label) in nats, ``[N]``, summed over positions.

        With d = z − mean, covariance Σ and C channels it is −½ (dᵀ Σ⁻¹ d + log |Σ| + C log 2π) at every position.
        """
        with full_precision(z):
            factor = self.root()
            log_determinant = 2 * factor.diagonal().log().sum() * z[0, 0].numel()
            whitened = mix_channels(z - self._mean(), torch.linalg.inv(factor))
            real = whitened.square().sum(dim=(1, 2, 3)) + log_determinant
            clean = z.square().sum(dim=(1, 2, 3))
            return -0.5 * (torch.where(label > 0.5, real, clean) + z[0].numel() * math.log(2 * math.pi))

    def translate(self, z: Tensor, label: Tensor, noise: Tensor) -> Tensor:
        """Translate latents to the other domain; `label` is the domain they come from.

        X to Y adds a draw of u: z_y = z_x + mu + S·noise. Y to X draws from the posterior of the clean latent, which
        with C = S Sᵀ and P = (I + C)⁻¹ has mean P (z − mu) and covariance C P; its square root is U·diag(√s) from the
        SVD C P = U s Vᵀ.
        """
        with full_precision(z):
            to_real = z + self._mean() + mix_channels(noise, self.cov_shift)
            precision, root = self.posterior()
            to_clean = mix_channels(z - self._mean(), precision) + mix_channels(noise, root)
            return torch.where(label.view(-1, 1, 1, 1) > 0.5, to_clean, to_real)

    def posterior(self) -> tuple[Tensor, Tensor]:
        """Return the clean latent's posterior: gain P and covariance square root U·diag(√s), ``[C, C]``."""
        precision = torch.linalg.inv(self._covariance())
        basis, variances, _ = torch.linalg.svd(self.cov_shift @ self.cov_shift.T @ precision)
        return precision, basis * variances.sqrt()

    def root(self) -> Tensor:
        """Return the Cholesky factor of the real domain's covariance, ``[C, C]``."""
        return torch.linalg.cholesky(self._covariance())

    def sample(self, label: Tensor, noise: Tensor) -> Tensor:
        """Turn standard-normal `noise` into draws of p(z | label)."""
        with full_precision(noise):
            real = mix_channels(noise, self.root()) + self._mean()
            return torch.where(label.view(-1, 1, 1, 1) > 0.5, real, noise)

    def _mean(self) -> Tensor:
        return self.mean_shift.view(1, -1, 1, 1)

    def _covariance(self) -> Tensor:
        identity = torch.eye(len(self.mean_shift), dtype=self.cov_shift.dtype, device=self.cov_shift.device)
        return identity + self.cov_shift @ self.cov_shift.T
