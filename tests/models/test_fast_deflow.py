"""DeFlow's fast translation against the plain network's, on golden and random networks."""

import pytest
import torch

from golden_numbers import GoldenDeFlow
from patina.models.fast_deflow import FastDeFlow
from random_flows import TINY, VARIANTS, noise_for, random_batch, random_network


@pytest.fixture(scope="module", params=[8, 4])
def golden(request) -> GoldenDeFlow:
    return GoldenDeFlow(request.param)


@pytest.mark.parametrize("heat", [1.0, 0.5])
def test_golden(golden, heat):
    noise = (golden["noise0"], golden["noise1"])
    network = golden.network()
    translated = FastDeFlow(network).translate(*golden.batch, noise, heat)
    torch.testing.assert_close(translated[0], golden[f"translated_heat{heat}"][0], atol=1e-4, rtol=0)
    torch.testing.assert_close(translated, network.translate(*golden.batch, noise, heat), atol=1e-4, rtol=0)


@pytest.mark.parametrize("kept_bytes", [0, 30_000, 2**30])
@pytest.mark.parametrize("architecture", VARIANTS)
def test_random_networks(architecture, kept_bytes, device):
    network = random_network(architecture).to(device)
    batch = random_batch(architecture, device)
    noise, heat = noise_for(network, batch[0]), torch.tensor([1.0, 0.3], device=device).view(2, 1, 1, 1)
    fast = FastDeFlow(network, kept_bytes=kept_bytes)
    plain = network.translate(*batch, noise, heat)
    assert (plain - batch[0]).abs().mean() > 0.01
    torch.testing.assert_close(fast.translate(*batch, noise, heat), plain, atol=1e-4, rtol=0)


@pytest.mark.parametrize("architecture", VARIANTS)
def test_samples(architecture, device):
    network = random_network(architecture).to(device)
    image, condition, label = random_batch(architecture, device)
    noise = noise_for(network, image)
    plain = network.sample(condition, label, noise)
    torch.testing.assert_close(FastDeFlow(network).sample(condition, label, noise), plain, atol=1e-4, rtol=1e-4)


def test_row_blocks_equal_the_whole(monkeypatch):
    network = random_network(TINY)
    batch = random_batch(TINY)
    noise = noise_for(network, batch[0])
    whole = FastDeFlow(network).translate(*batch, noise)
    monkeypatch.setattr("patina.layers.row_blocks.CPU_BYTES", 1)
    torch.testing.assert_close(FastDeFlow(network).translate(*batch, noise), whole, atol=1e-5, rtol=0)


def test_bf16_stays_within_45_db(device):
    network = random_network(TINY).to(device)
    batch = random_batch(TINY, device)
    noise = noise_for(network, batch[0])
    exact = FastDeFlow(network).translate(*batch, noise)
    half = FastDeFlow(network, torch.bfloat16).translate(*batch, noise)
    assert half.dtype == torch.float32
    assert not torch.equal(half, exact)
    assert -10 * (half - exact).square().mean().log10() > 45


def test_training_goes_on_without_reaching_it():
    network = random_network(TINY)
    batch = random_batch(TINY)
    noise = noise_for(network, batch[0])
    fast = FastDeFlow(network)
    before = fast.translate(*batch, noise)
    for parameter in network.parameters():
        parameter.data += 0.1
    assert torch.equal(fast.translate(*batch, noise), before)
