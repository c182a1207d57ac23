"""The moving average of weights."""

import torch
from torch import nn

from patina.training.ema import Ema


def stepped(network: nn.Module, ema: Ema, seeds) -> None:
    for seed in seeds:
        torch.manual_seed(seed)
        for parameter in network.parameters():
            parameter.data += torch.randn_like(parameter)
        ema.update(network)


def test_follows_the_formula():
    network = nn.Linear(3, 2)
    ema = Ema(network, 0.9)
    stepped(network, ema, [0])
    expected = network.weight.detach().clone()
    for seed in range(1, 100):
        stepped(network, ema, [seed])
        decay = min(0.9, (1 + seed) / (10 + seed))
        expected = decay * expected + (1 - decay) * network.weight.detach()
    torch.testing.assert_close(ema.network.weight, expected)
    assert not any(parameter.requires_grad for parameter in ema.network.parameters())


def test_a_short_training_forgets_its_start():
    network = nn.Linear(1, 1, bias=False)
    ema = Ema(network, 0.9999)
    for step in range(500):
        network.weight.data.fill_(float(step >= 250))
        ema.update(network)
    assert ema.network.weight.item() > 0.99


def test_buffers_are_the_networks_own():
    network = nn.BatchNorm1d(4)
    ema = Ema(network, 0.999)
    network(torch.randn(8, 4))
    ema.update(network)
    network(torch.randn(8, 4))
    ema.update(network)
    assert torch.equal(ema.network.running_mean, network.running_mean)


def test_a_resumed_average_is_the_same_bit_for_bit():
    averages = []
    for cut in (False, True):
        torch.manual_seed(0)
        network = nn.Linear(3, 2)
        ema = Ema(network, 0.9)
        stepped(network, ema, range(3))
        if cut:
            state, ema = ema.state(), Ema(nn.Linear(3, 2), 0.9)
            ema.load_state(state)
        stepped(network, ema, range(3, 6))
        averages.append(ema.network.weight.clone())
    assert torch.equal(*averages)
