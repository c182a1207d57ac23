"""Settings and fixtures of all tests. What is heavy is imported where it is used: the workers wait for this file."""

import gc
import os
import pickle
import sys
import urllib.error
from concurrent.futures import Future
from itertools import groupby
from pathlib import Path

import pytest

from campaign import Campaign
from chromium import CHROMIUM
from patina.system.allocator import keep_blocks_of_images

# Threads starve each other on a busy machine, and the tests' networks are too small to gain from them. This counts for
# the processes that the tests start, too.
os.environ["OMP_NUM_THREADS"] = "1"

# Otherwise both workers and every process that a test starts would compile the tests and the package anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

keep_blocks_of_images()  # as every command does; also for tests that call no command

BACKENDS = ("test_backends.py", "test_engine_cases.py")
"""Files of tests that trace networks."""


def pytest_addoption(parser):
    parser.addoption("--large", action="store_true", help="run the tests of reliability with their large counts")
    parser.addoption("--device", help="device of the tests marked `device`, cpu without it; with it, jobs run, too")
    parser.addoption(
        "--backends", action="store_true", help="trace networks here: tests/pipelines/test_backends_apart.py"
    )
    parser.addoption("--record", type=Path, metavar="FILE", help="append what came of the attacks to this file")


def pytest_ignore_collect(collection_path, config):
    """Leave the tests that trace networks to a process of their own: torch.compile, before or after, may end it."""
    if collection_path.name in BACKENDS and not config.getoption("--backends"):
        return True
    return None


def pytest_itemcollected(item):
    """Mark what takes the device, so that `-m device` chooses it."""
    if "device" in getattr(item, "fixturenames", ()):
        item.add_marker("device")


@pytest.hookimpl(hookwrapper=True)
def pytest_collection():
    """Let garbage collection look neither at what is being imported nor, later on, at modules and tests, which stay."""
    gc.disable()
    yield
    gc.freeze()
    gc.enable()


@pytest.hookimpl(trylast=True)  # after `-m` has chosen
def pytest_collection_modifyitems(items):
    """Let each of two workers begin with half of the long tests, so that neither ends the run with one alone.

    Those of one file stay together, as they share fixtures that take long: a cluster, a browser, trainings.
    """
    long = [item for item in items if item.get_closest_marker("long")]
    others = [item for item in items if not item.get_closest_marker("long")]
    files = [list(group) for _, group in groupby(long, key=lambda item: item.path)]
    first, second = ([item for file in half for item in file] for half in (files[::2], files[1::2]))
    middle = max(0, (len(items) + 1) // 2 - len(first))
    items[:] = [*first, *others[:middle], *second, *others[middle:]]


@pytest.fixture
def device(request, monkeypatch) -> str:
    """Return the device of `--device`, without TF32, in which a GPU's convolutions differ by more than tests allow."""
    import torch

    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    return request.config.getoption("--device") or "cpu"


@pytest.fixture
def campaign(request) -> Campaign:
    """Return the counts of this run."""
    return Campaign(request.config.getoption("--large"), request.config.getoption("--record"))


@pytest.fixture(autouse=True)
def _torch_computes(request, monkeypatch):
    """Let "auto" choose torch, see `pytest_ignore_collect`."""
    if not request.config.getoption("--backends"):
        monkeypatch.setattr("patina.pipelines.network_backends.missing_package", lambda name: name)


@pytest.fixture(autouse=True)
def _slow_bf16(monkeypatch):
    """Let "auto" choose float32 on every processor; tests of bf16 choose it themselves."""
    monkeypatch.setattr("patina.layers.precision.BF16_CHECKS", ())


@pytest.fixture(scope="module")
def browser():
    """Return Chromium, without a window."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


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
    """Stands for a pool of processes, whose start takes longer than what the tests do in them.

    Work, arguments and results are pickled as they are for other processes.
    """

    def __init__(self, *_arguments, **_settings):
        """Take the settings of a pool."""

    def submit(self, function, *arguments):
        future = Future()
        try:
            function, arguments = pickle.loads(pickle.dumps((function, arguments)))
            future.set_result(pickle.loads(pickle.dumps(function(*arguments))))
        except Exception as error:
            future.set_exception(error)
        return future

    def shutdown(self, **_settings):
        """End nothing."""


@pytest.fixture
def folder_processes():
    """Let folder jobs start their processes, where these are what a test is about."""


@pytest.fixture(autouse=True)
def _folder_jobs_in_this_process(request, monkeypatch):
    """Let folder jobs, one process per core by default, start no processes, which import all they need again."""
    if "folder_processes" not in request.fixturenames:
        monkeypatch.setattr("patina.runs.worker_processes.ProcessPoolExecutor", InThisProcess)


@pytest.fixture
def one_process(monkeypatch):
    """Let experiments train one after the other, without processes of their own."""
    monkeypatch.setattr("patina.experiments.parallel_training._Pool", InThisProcess)


@pytest.fixture
def few_draws(monkeypatch):
    """Let reports learn from few draws what chance does, nearly half of their time, where verdicts do not matter."""
    monkeypatch.setattr("patina.fidelity.chance.DRAWS", 5)


@pytest.fixture
def one_start(monkeypatch):
    """Let a fit that explains nothing end there, without beginning its search again."""
    monkeypatch.setattr("patina.fitting.family_choice._better_end", lambda _search, best: best)
