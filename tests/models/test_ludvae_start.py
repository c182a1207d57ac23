"""LUD-VAE starts near the identity: what it is given comes out."""

import pytest
import torch

from patina.models.ludvae import LUDVAE, LUDVAEArchitecture, evidence_bound
from patina.models.ludvae_start import start_near_identity


def started(channels: int, seed: int = 0) -> LUDVAE:
    torch.manual_seed(seed)
    network = LUDVAE(LUDVAEArchitecture(channels=channels))
    start_near_identity(network)
    return network


def blocks_of_colour() -> torch.Tensor:
    """Return ``[2, 3, 48, 48]``, even areas of 8 pixels."""
    colours = torch.rand(2, 3, 6, 6, generator=torch.Generator().manual_seed(1)) * 0.6 + 0.2
    return colours.repeat_interleave(8, dim=2).repeat_interleave(8, dim=3)


@pytest.mark.parametrize("channels", [8, 32, pytest.param(128, marks=pytest.mark.slow)])
@torch.no_grad()
def test_a_fresh_network_returns_the_picture(channels):
    image = blocks_of_colour()
    label = torch.tensor([0.0, 1.0])
    result, divergence = started(channels)(image, image, label)
    correlation = torch.corrcoef(torch.stack([result.flatten(), image.flatten()]))[0, 1]
    assert correlation > 0.9
    assert torch.isfinite(divergence).all()


@torch.no_grad()
def test_a_real_pictures_noise_comes_through_the_latents():
    image = blocks_of_colour()
    noisy = image + 0.03 * torch.randn(image.shape, generator=torch.Generator().manual_seed(2))
    network = started(32)
    silent = [torch.zeros(2, 32, 48, 48)] * 3
    with_noise, _ = network(noisy, image, torch.ones(2), silent)
    without, _ = network(image, image, torch.ones(2), silent)
    correlation = torch.corrcoef(torch.stack([(with_noise - without).flatten(), (noisy - image).flatten()]))[0, 1]
    assert correlation > 0.6


def test_a_few_steps_reach_what_the_usual_start_does_not():
    image = blocks_of_colour()
    label = torch.tensor([0.0, 1.0])

    def error_after(network: LUDVAE, steps: int) -> float:
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)
        for _ in range(steps):
            error, divergence = evidence_bound(image, *network(image, image, label), label)
            optimizer.zero_grad()
            (error + 1e-8 * divergence).backward()
            optimizer.step()
        return float(error.detach())

    torch.manual_seed(0)
    usual = LUDVAE(LUDVAEArchitecture(channels=8))
    assert error_after(started(8), 3) < 0.2 * error_after(usual, 3)


def test_the_same_seed_starts_the_same():
    first, second = started(8).state_dict(), started(8).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
