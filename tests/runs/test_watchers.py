"""Services in which a training is watched, by packages that stand for theirs."""

import sys
from types import SimpleNamespace

import pytest

from patina.cli.main import run_command
from patina.runs.watchers import PROJECT
from sets import deflow_values, write_config, write_domains


@pytest.fixture
def package(monkeypatch):
    """Put a package that records its calls in place of wandb; `failing` is a function that raises."""
    calls = []

    def record(function):
        def call(*arguments, **options):
            calls.append((function, arguments, options))
            if function in service.failing:
                raise ConnectionError("no network")

        return call

    service = SimpleNamespace(
        calls=calls, failing=set(), Image=lambda pixels: pixels.shape, __spec__=SimpleNamespace(),
        **{name: record(name) for name in ("init", "log", "finish")},
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "wandb", service)
    monkeypatch.setattr("patina.runs.watchers.importlib.util.find_spec", lambda name: name == "wandb" or None)
    return service


def train(tmp_path, **changes):
    write_domains(tmp_path)
    values = deflow_values(tmp_path) | changes
    return run_command("train", ["-opt", str(write_config(tmp_path / "tiny.yml", values))])


@pytest.mark.slow
def test_one_line_shows_a_training_in_a_service(tmp_path, package):
    assert train(tmp_path, watch="wandb") == 0
    (first, _, options), *logs, (last, _, _) = package.calls
    assert (first, last) == ("init", "finish")
    assert (options["project"], options["name"], options["config"]["task"]) == (PROJECT, "tiny", "deflow")
    assert {name for name, _, _ in logs} == {"log"}
    shown = {key: entry["step"] for _, (numbers,), entry in logs for key in numbers}
    assert {"train/nll_real", "train/lr", "valid/nll_real"} <= set(shown)


@pytest.mark.slow
def test_a_service_that_fails_ends_no_training(tmp_path, package, capsys):
    package.failing.add("log")
    assert train(tmp_path, watch=["wandb"]) == 0
    told = capsys.readouterr().err
    assert told.count("wandb failed (ConnectionError('no network')); the training goes on without it") == 1
    assert [name for name, _, _ in package.calls] == ["init", "log"]


def test_a_package_that_is_missing_is_told_before_anything(tmp_path, package, capsys):
    assert train(tmp_path, watch="trackio") == 2
    assert "trackio is not installed: pip install 'patina-sr[trackio]'" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
