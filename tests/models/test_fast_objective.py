"""DeFlow's fast objective and its gradients against the plain network's, on golden and random networks."""

from functools import partial

import pytest
import torch

from golden_numbers import GoldenDeFlow
from patina.models.deflow import DeFlow
from patina.models.fast_objective import fast_objective
from random_flows import TINY, VARIANTS, random_batch, random_network


def gradients(objective, network: DeFlow, batch) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    network.zero_grad()
    torch.manual_seed(1)
    nll = objective(*batch, quantisation=32)
    nll.mean().backward()
    return nll.detach(), {name: p.grad for name, p in network.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("recompute", ["nothing", "hidden", "everything"])
@pytest.mark.parametrize("architecture", VARIANTS)
def test_objective_and_gradients(architecture, recompute, device):
    network = random_network(architecture).to(device)
    batch = random_batch(architecture, device)
    nll, expected = gradients(network, network, batch)
    actual_nll, actual = gradients(partial(fast_objective, network, recompute=recompute), network, batch)
    torch.testing.assert_close(actual_nll, nll, atol=1e-4, rtol=1e-5)
    assert set(actual) == set(expected)
    for name, gradient in expected.items():
        tolerance = 1e-3 * gradient.abs().max().item()
        torch.testing.assert_close(actual[name], gradient, atol=tolerance, rtol=0, msg=name)


@pytest.mark.parametrize("scale", [8, 4])
def test_golden_likelihood(scale):
    case = GoldenDeFlow(scale)
    with torch.no_grad():
        torch.testing.assert_close(fast_objective(case.network(), *case.batch), case["nll"], atol=1e-4, rtol=0)


def test_recomputing_keeps_less_for_the_backward_pass():
    network, batch = random_network(TINY), random_batch(TINY)
    kept = {}
    for recompute in ("nothing", "hidden", "everything"):
        sizes = []
        with torch.autograd.graph.saved_tensors_hooks(lambda x, s=sizes: (s.append(x.nbytes), x)[1], lambda x: x):
            fast_objective(network, *batch, recompute=recompute)
        kept[recompute] = sum(sizes)
    assert kept["everything"] < kept["hidden"] < kept["nothing"]
