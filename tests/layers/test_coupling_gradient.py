"""The coupling's written-out gradient against finite differences."""

import pytest
import torch
from torch import nn
from torch.nn.functional import interpolate

from patina.layers.conditional import Condition
from patina.layers.coupling import ConditionalCoupling
from patina.layers.coupling_gradient import encode


@pytest.mark.parametrize("keep", [0, 1, 2])
@pytest.mark.parametrize("scale", [1, 2])
def test_by_differences(scale, keep, monkeypatch):
    monkeypatch.setattr("patina.layers.coupling_gradient.CPU_BYTES", 1)
    torch.manual_seed(0)
    coupling = ConditionalCoupling(3, 5, hidden=4).double()
    for parameter in coupling.parameters():
        nn.init.normal_(parameter, std=0.3)
    tensors = (torch.randn(3, 3, 4, 6), torch.randn(3, 2, 4, 6), torch.randn(3, 3, 4 // scale, 6 // scale))
    inputs = tuple(item.double().requires_grad_() for item in tensors)
    parameters = tuple(coupling.parameters())

    def fast(x, own, stack, *_):
        return encode(coupling, x, Condition.of(own, stack), keep)

    condition = torch.cat([inputs[1], interpolate(inputs[2], size=(4, 6))], dim=1)
    torch.testing.assert_close(fast(*inputs), coupling.encode_tensor(inputs[0], condition))
    assert torch.autograd.gradcheck(fast, (*inputs, *parameters), fast_mode=True)
