"""The tests that trace networks, in a process of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from patina.errors import PatinaError
from patina.pipelines import network_backends

TESTS = Path(__file__).parents[1]


@pytest.mark.long
@pytest.mark.slow
def test_backends_and_their_comparison():
    files = [TESTS / "pipelines" / "test_backends.py", TESTS / "bench" / "test_engine_cases.py"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--backends", "-n", "0", *files],
        cwd=TESTS.parent, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:]
    assert " passed" in done.stdout


def test_no_backend_follows_torch_compile(monkeypatch):
    monkeypatch.setattr(network_backends, "has_compiled", lambda: True)
    monkeypatch.setattr(network_backends, "missing_package", lambda _: "")
    opened = []
    monkeypatch.setattr(network_backends, "_opened", lambda *given: opened.append(given))

    class Network:
        class device:
            type = "cpu"

        class architecture:
            id = "SPAN"

    assert network_backends.chosen_backend(Path("x"), Network, "auto", half=False) is network_backends.TORCH
    assert not opened
    with pytest.raises(PatinaError, match=r"-backend openvino cannot follow torch\.compile"):
        network_backends.chosen_backend(Path("x"), Network, "openvino", half=False)
