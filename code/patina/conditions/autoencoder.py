"""A small denoising autoencoder (Vincent et al. 2008), whose bottleneck removes noise."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from patina.conditions.steps import Autoencoder
from patina.imaging.value_spaces import to_pixels, to_tensor
from patina.seeding import derive

PATCH, BATCH = 48, 12
SHRINK = 4


class DenoisingAutoencoder(nn.Module):
    """Downscales by 4 and restores the size; images are ``[N, 3, H, W]`` in [0, 1], sides of at least 4 pixels."""

    def __init__(self, features: int):
        super().__init__()
        self.features = features
        self.encoder = nn.Sequential(
            nn.Conv2d(3, features, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(features, features, 3, stride=2, padding=1),
            nn.ReLU(),
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(features, features, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(features, 3 * SHRINK**2, 3, padding=1),
            nn.PixelShuffle(SHRINK),
        )

    def forward(self, image: Tensor) -> Tensor:
        """Return the reconstruction, of the same size, not clamped."""
        height, width = image.shape[-2:]
        padded = functional.pad(image, (0, -width % SHRINK, 0, -height % SHRINK), mode="replicate")
        return 0.5 + self.decoder(self.encoder(padded - 0.5))[..., :height, :width]

    @torch.inference_mode()
    def denoise(self, pixels: np.ndarray) -> np.ndarray:
        """Reconstruct ``[H, W, 3]`` uint8, rounded to uint8."""
        return to_pixels(self(to_tensor(pixels)[None])[0], np.uint8)


def train_autoencoder(pictures: Sequence[np.ndarray], settings: Autoencoder, seed: int) -> DenoisingAutoencoder:
    """Train an autoencoder on clean pictures; the result depends only on the arguments.

    Args:
        pictures: ``[H, W, 3]`` uint8; patches have sides of `PATCH` pixels, or the shortest side of all pictures.
        settings: width, noise and length of the training.
        seed: seed of weights, patch positions and noise.
    """
    rng = np.random.default_rng(derive(seed, "autoencoder"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "autoencoder weights"))
        network = DenoisingAutoencoder(settings.features)
    optimizer = torch.optim.Adam(network.parameters(), lr=4e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings.steps)
    side = min(PATCH, *(length for picture in pictures for length in picture.shape[:2]))
    for _ in range(settings.steps):
        clean = torch.from_numpy(np.stack([_patch(pictures, side, rng) for _ in range(BATCH)])).permute(0, 3, 1, 2)
        sigma = torch.from_numpy(rng.uniform(0, settings.sigma / 255, (BATCH, 1, 1, 1)).astype(np.float32))
        noise = torch.from_numpy(rng.standard_normal(tuple(clean.shape), np.float32))
        optimizer.zero_grad()
        functional.mse_loss(network(clean + sigma * noise), clean).backward()
        optimizer.step()
        schedule.step()
    return network.eval().requires_grad_(False)


def _patch(pictures: Sequence[np.ndarray], side: int, rng: np.random.Generator) -> np.ndarray:
    picture = pictures[int(rng.integers(len(pictures)))]
    top, left = (int(rng.integers(length - side + 1)) for length in picture.shape[:2])
    return np.float32(picture[top : top + side, left : left + side] / 255)
