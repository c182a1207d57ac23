"""DeFlow against the numbers of the published network."""

import pytest
import torch

from golden_numbers import GoldenDeFlow, golden_tensors
from patina.models.published import rename

NOT_REPRODUCIBLE = {"nll", "logdet"}


@pytest.fixture(scope="module", params=[8, 4])
def golden(request) -> GoldenDeFlow:
    return GoldenDeFlow(request.param)


@torch.no_grad()
def test_latents_and_likelihood(golden):
    network = golden.network()
    image, condition, label = golden.batch
    latents, log_determinant = network.encode(image, network.encoder(condition))
    for index, latent in enumerate(latents):
        torch.testing.assert_close(latent, golden[f"z{index}"], atol=1e-4, rtol=0)
    with_split_prior = log_determinant + network.priors[0].log_density(latents[0], label)
    torch.testing.assert_close(with_split_prior, golden["logdet"], atol=0, rtol=1e-5)
    torch.testing.assert_close(network(image, condition, label), golden["nll"], atol=1e-4, rtol=0)


@torch.no_grad()
def test_decode_restores_the_image(golden):
    network = golden.network()
    image, condition, _ = golden.batch
    conditions = network.encoder(condition)
    latents, _ = network.encode(image, conditions)
    torch.testing.assert_close(network.decode(latents, conditions), image, atol=1e-5, rtol=0)


def test_gradients(golden):
    network = golden.network()
    network(*golden.batch).mean().backward()
    parameters = dict(network.named_parameters())
    gradients = golden_tensors(golden.name, "grad:")
    assert gradients
    for name, expected in gradients.items():
        actual = parameters[rename(name)].grad
        torch.testing.assert_close(actual, expected, atol=1e-3 * expected.abs().max().item(), rtol=0)


@pytest.mark.parametrize("heat", [1.0, 0.5])
def test_translation_of_both_directions(golden, heat):
    noise = (golden["noise0"], golden["noise1"])
    translated = golden.network().translate(*golden.batch, noise, heat)
    torch.testing.assert_close(translated[0], golden[f"translated_heat{heat}"][0], atol=1e-4, rtol=0)


@torch.no_grad()
def test_clean_latents_apart_from_the_signs_of_singular_vectors(golden):
    """Y to X draws U·√Λ·noise, whose signs differ between libraries; Uᵀ of the draw does not."""
    network = golden.network()
    conditions = network.encoder(golden["lr"])
    before, _ = network.encode(golden["gt"], conditions)
    after, _ = network.encode(golden["translated_heat1.0"], conditions)
    for index, prior in enumerate(network.priors):
        shift = prior.cov_shift @ prior.cov_shift.T
        precision = torch.linalg.inv(torch.eye(len(shift)) + shift)
        basis, variances, _ = torch.linalg.svd(shift @ precision)
        mean = torch.einsum("ij,jhw->ihw", precision, before[index][1] - prior.mean_shift[:, None, None])
        drawn = torch.einsum("ji,jhw->ihw", basis, after[index][1] - mean).abs()
        expected = variances.sqrt()[:, None, None] * golden[f"noise{index}"][1].abs()
        torch.testing.assert_close(drawn, expected, atol=2e-4, rtol=0)


def test_initialisation_from_the_first_batch():
    golden = GoldenDeFlow(8)
    network = golden.network("fresh:")
    objective = network.initialise(*golden.batch, quantisation=None)
    torch.testing.assert_close(objective, golden["init.nll"], atol=1e-4, rtol=0)
    parameters = dict(network.named_parameters())
    initialised = golden_tensors(golden.name, "init.")
    for name in set(initialised) - NOT_REPRODUCIBLE:
        torch.testing.assert_close(parameters[rename(name)], initialised[name], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("level", "name"), [(0, "fea_up4"), (1, "fea_up2"), (2, "last_lr_fea")])
@torch.no_grad()
def test_conditions_of_scale_8(level, name):
    golden = GoldenDeFlow(8)
    condition = golden.network().encoder(golden["lr"])[level]
    expected = golden[f"enc.{name}.mean_std"]
    torch.testing.assert_close(torch.stack([condition.mean(), condition.std()]), expected, atol=1e-5, rtol=1e-4)
