"""Settings and fixtures of all tests."""

import urllib.error
from contextlib import contextmanager

import pytest
import torch
from torch import nn

from patina import torchvision_shim
from patina.experiments import parallel_training as experiments

# Threads starve each other on a busy machine, and the tests' networks are too small to gain from them.
torch.set_num_threads(1)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Return an empty folder in place of torch hub's downloaded weights, without a network."""

    def refuse(*_args, **_kwargs):
        raise urllib.error.URLError("no network in the tests")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    return tmp_path / "hub" / "checkpoints"


@pytest.fixture
def vgg16(hub, monkeypatch):
    """Give DISTS torchvision's layers with random weights in place of the published ones."""
    torchvision_shim.ensure()
    from torchmetrics.functional.image import dists
    from torchvision.models import vgg

    torch.manual_seed(0)
    network = nn.Module()
    network.features = vgg.make_layers(vgg.cfgs["D"])
    monkeypatch.setattr(dists, "vgg16", lambda weights: network)
    torch.save({}, hub / "vgg16-397923af.pth")


class InThisProcess:
    """Stands for the pool of processes, whose start takes longer than the tests' trainings."""

    def submit(self, function, *arguments):
        self.value = function(*arguments)
        return self

    def result(self):
        return self.value


@pytest.fixture
def one_process(monkeypatch):
    """Let experiments train one after the other, without processes of their own."""

    @contextmanager
    def processes():
        yield InThisProcess()

    monkeypatch.setattr(experiments, "processes", processes)
