"""Optimiser steps that protect the weights."""

import pytest
import torch
from torch import nn

from patina.specs.optimisation import make_fabric
from patina.training.batch_parts import BatchParts
from patina.training.schedules import multi_step
from patina.training.updates import NotFinite, Updater


def test_a_gradient_that_is_not_finite_is_named():
    network = nn.Linear(1, 1)
    updater = Updater(make_fabric("32", "cpu"), "root", network, schedule=multi_step(1e-2, []))
    before = network.weight.detach().clone()
    loss = updater.module(torch.zeros(1, 1)).mul(0).sqrt().sum()
    updater.add(loss, BatchParts())
    with pytest.raises(NotFinite, match=r"gradient of root\.weight"):
        updater.finish(1)
    assert torch.equal(network.weight, before)
