"""LUD-VAE against the numbers of the published network."""

import pytest
import torch

from golden_numbers import GoldenLUDVAE
from patina.models.ludvae import BORDER, LUDVAE, evidence_bound, is_published_ludvae

GOLDEN = GoldenLUDVAE()
KL_WEIGHT = 1e-4


@pytest.fixture
def network() -> LUDVAE:
    return GOLDEN.network()


def losses(network: LUDVAE, label: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    reconstruction, divergence = network(GOLDEN["x"], GOLDEN["hx"], label, GOLDEN.noise)
    return reconstruction, *evidence_bound(GOLDEN["x"], reconstruction, divergence, label)


def test_the_names_are_the_published_ones(network):
    assert set(network.state_dict()) == set(GOLDEN.published_state())
    assert is_published_ludvae(GOLDEN.published_state())
    assert not is_published_ludvae({"inconv.weight": torch.zeros(1)})


def test_reconstruction_and_losses(network):
    reconstruction, error, divergence = losses(network, GOLDEN["label"].view(2).float())
    torch.testing.assert_close(reconstruction, GOLDEN["reconstruction"], atol=1e-5, rtol=0)
    torch.testing.assert_close(error[None], GOLDEN["rec_loss"], atol=0, rtol=1e-4)
    torch.testing.assert_close(divergence[None], GOLDEN["kl_loss"], atol=0, rtol=1e-4)


def test_losses_where_every_image_is_clean(network):
    _, error, divergence = losses(network, torch.zeros(2))
    torch.testing.assert_close(error[None], GOLDEN["rec_loss_allclean"], atol=0, rtol=1e-4)
    assert divergence.item() == GOLDEN["kl_loss_allclean"].item() == 0


def test_gradients(network):
    _, error, divergence = losses(network, GOLDEN["label"].view(2).float())
    (error + KL_WEIGHT * divergence).backward()
    parameters = dict(network.named_parameters())
    gradients = GOLDEN.gradients()
    assert gradients
    for name, expected in gradients.items():
        torch.testing.assert_close(parameters[name].grad, expected, atol=1e-4 * expected.abs().max().item(), rtol=1e-4)


@pytest.mark.parametrize("temperature", [0.0, 0.25, 1.0, 1.4])
def test_clean_to_real(network, temperature):
    translated = network.translate(GOLDEN["hx"], torch.zeros(2), GOLDEN.noise, torch.full((2,), temperature))
    expected = GOLDEN[f"translate_clean_to_real_t{temperature}"]
    torch.testing.assert_close(translated, expected, atol=1e-5, rtol=0)


def test_real_to_clean_draws_nothing(network):
    translated = network.translate(GOLDEN["hx"], torch.ones(2), iter(()), torch.ones(2))
    torch.testing.assert_close(translated, GOLDEN["translate_real_to_clean"], atol=1e-5, rtol=0)


def test_every_picture_of_a_batch_has_its_own_temperature(network):
    translated = network.translate(GOLDEN["hx"], torch.zeros(2), GOLDEN.noise, torch.tensor([0.25, 1.4]))
    torch.testing.assert_close(translated[0], GOLDEN["translate_clean_to_real_t0.25"][0], atol=1e-5, rtol=0)
    torch.testing.assert_close(translated[1], GOLDEN["translate_clean_to_real_t1.4"][1], atol=1e-5, rtol=0)


def test_translation_does_not_compute_the_noise_encoder(network):
    called = []
    for name, module in network.named_modules():
        module.register_forward_hook(lambda *_, name=name: called.append(name))
    network.translate(GOLDEN["hx"], torch.zeros(2), GOLDEN.noise, torch.ones(2))
    assert "enc_3" in called
    assert not [name for name in called if name.startswith(("inconv_n", "enc_n", "proj_n", "Gauconv_q"))]


def test_the_border_is_as_far_as_a_pixel_sees(network):
    hidden = torch.rand(1, 3, 64, 64, requires_grad=True, dtype=torch.float64)
    network.double()
    zeros = [torch.zeros(1, 16, 64, 64, dtype=torch.float64)] * 3
    translate = LUDVAE.translate.__wrapped__
    result = translate(network, hidden, torch.zeros(1), zeros, torch.ones(1))
    result[0, 0, 32, 32].backward()
    seen = hidden.grad.abs().sum(dim=(0, 1)).nonzero()
    assert seen.min(dim=0).values.tolist() == [32 - BORDER] * 2
    assert seen.max(dim=0).values.tolist() == [32 + BORDER] * 2
