"""Settings and fixtures of all tests. What is heavy is imported where it is used: the workers wait for this file."""

import os
import urllib.error
from contextlib import contextmanager
from pathlib import Path

import pytest

from campaign import Campaign

# Threads starve each other on a busy machine, and the tests' networks are too small to gain from them. This counts for
# the processes that the tests start, too.
os.environ["OMP_NUM_THREADS"] = "1"


def pytest_addoption(parser):
    parser.addoption("--large", action="store_true", help="run the tests of reliability with their large counts")
    parser.addoption("--record", type=Path, metavar="FILE", help="append what came of the attacks to this file")


@pytest.hookimpl(trylast=True)  # after `-m` has chosen
def pytest_collection_modifyitems(items):
    """Let each of two workers begin with half of the long tests, so that neither ends the run with one alone."""
    long = [item for item in items if item.get_closest_marker("long")]
    others = [item for item in items if not item.get_closest_marker("long")]
    middle = (len(items) + 1) // 2 - len(long[::2])
    items[:] = [*long[::2], *others[:middle], *long[1::2], *others[middle:]]


@pytest.fixture
def campaign(request) -> Campaign:
    """Return the counts of this run."""
    return Campaign(request.config.getoption("--large"), request.config.getoption("--record"))


@pytest.fixture(autouse=True)
def _slow_bf16(monkeypatch):
    """Let "auto" choose float32 on every processor; tests of bf16 choose it themselves."""
    monkeypatch.setattr("patina.layers.precision.BF16_CHECKS", ())


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Return an empty folder in place of torch hub's downloaded weights, without a network."""

    def refuse(*_args, **_kwargs):
        raise urllib.error.URLError("no network in the tests")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", refuse)
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    return tmp_path / "hub" / "checkpoints"


@pytest.fixture
def vgg16(hub, monkeypatch):
    """Give DISTS torchvision's layers with random weights in place of the published ones."""
    from patina.metrics import dists

    torch = dists.torch
    torch.manual_seed(0)
    layers = dists.vgg.make_layers(dists.vgg.cfgs["D"])
    weights = {f"features.{name}": value for name, value in layers.state_dict().items()}
    monkeypatch.setattr(dists, "backbone_weights", lambda name, hint: weights)


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

    monkeypatch.setattr("patina.experiments.parallel_training.processes", processes)
    return processes


@pytest.fixture
def one_start(monkeypatch):
    """Let a fit that explains nothing end there, without beginning its search again."""
    monkeypatch.setattr("patina.fitting.family_choice._better_end", lambda _search, best: best)
