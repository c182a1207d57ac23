"""LUD-VAE's fast translation against the plain network, on the golden case and on a random one."""

import pytest
import torch

from golden_numbers import GoldenLUDVAE
from patina.models.fast_ludvae import FastLUDVAE
from patina.models.ludvae import LUDVAE, LUDVAEArchitecture

GOLDEN = GoldenLUDVAE()


@pytest.mark.parametrize("temperature", [0.0, 0.25, 1.0, 1.4])
def test_golden(temperature):
    translated = FastLUDVAE(GOLDEN.network()).translate(
        GOLDEN["hx"], torch.zeros(2), GOLDEN.noise, torch.full((2,), temperature)
    )
    expected = GOLDEN[f"translate_clean_to_real_t{temperature}"]
    torch.testing.assert_close(translated, expected, atol=1e-5, rtol=0)


def test_golden_real_to_clean_draws_nothing():
    translated = FastLUDVAE(GOLDEN.network()).translate(GOLDEN["hx"], torch.ones(2), iter(()), torch.ones(2))
    torch.testing.assert_close(translated, GOLDEN["translate_real_to_clean"], atol=1e-5, rtol=0)


def test_random_network_at_the_picture_s_edge_too(device):
    torch.manual_seed(2)
    plain = LUDVAE(LUDVAEArchitecture(channels=7))
    for parameter in plain.parameters():
        torch.nn.init.normal_(parameter, std=0.15)
    image, noise = torch.rand(2, 3, 9, 14).to(device), list(torch.randn(3, 2, 7, 9, 14).to(device))
    batch = (image, torch.tensor([0.0, 1.0], device=device), noise, torch.tensor([1, 2], device=device))
    plain.to(device)
    expected = plain.translate(*batch)
    assert expected.std() > 0.05
    torch.testing.assert_close(FastLUDVAE(plain).translate(*batch), expected, atol=1e-4, rtol=0)
    half = FastLUDVAE(plain, torch.bfloat16).translate(*batch)
    assert half.dtype == torch.float32
    assert 0 < (half - expected).abs().max() < 0.05
