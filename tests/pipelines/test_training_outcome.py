"""What `patina train --json` says of a training: whether it is finished, and where it lies."""

import json
import sys

import pytest

from patina.cli.main import run_command
from patina.pipelines import training_run
from patina.system import remote_files
from sets import ludvae_values, write_config, write_pictures


@pytest.fixture
def config(tmp_path):
    for name in ("clean", "real"):
        write_pictures(tmp_path / name, 2)
    return write_config(tmp_path / "tiny.yml", ludvae_values(tmp_path) | {"name": "tiny"})


@pytest.mark.parametrize("finished", [True, False])
def test_a_training_is_finished_when_the_loop_says_so(config, tmp_path, monkeypatch, capsys, finished):
    """A final model may be from before: the training was then made longer."""
    loads, streams = [], []
    load = training_run.load_config

    def loaded(*arguments):
        loads.append(arguments)
        return load(*arguments)

    def trained(*_):
        streams.append((sys.stdout, sys.stderr))
        return finished

    monkeypatch.setattr(training_run, "load_config", loaded)
    monkeypatch.setattr(training_run, "train", trained)
    final = tmp_path / "runs/tiny/models/final.safetensors"
    final.parent.mkdir(parents=True)
    final.touch()
    before = sys.stdout, sys.stderr
    assert run_command("train", ["-opt", str(config), "-device", "cpu", "--json"]) == (0 if finished else 130)
    found = json.loads(capsys.readouterr().out)
    assert (found["finished"], found["model"]) == (finished, str(final))
    assert len(loads) == 1
    assert streams == [before]  # no address has to be named


def test_addresses_are_named_as_given(config, tmp_path, monkeypatch, capsys):
    fsspec = pytest.importorskip("fsspec")
    monkeypatch.setenv("PATINA_PLACES", str(tmp_path / "places"))
    monkeypatch.setattr(remote_files, "PAUSES", ())
    fsspec.filesystem("memory").store.clear()
    values = ludvae_values(tmp_path) | {"name": "tiny", "runs": "memory://data/runs"}
    write_config(config, values)
    words = ["-opt", str(config), "-device", "cpu", "--json"]
    assert run_command("train", [*words, "--dry-run"]) == 0
    assert json.loads(capsys.readouterr().out)["configuration"]["runs"] == "memory://data/runs"
    monkeypatch.setattr(training_run, "train", lambda *_: False)
    assert run_command("train", words) == 130
    assert json.loads(capsys.readouterr().out)["folder"] == "memory://data/runs/tiny"
    values["data"]["clean"] = "memory://data/runs/tiny/none"
    fsspec.filesystem("memory").pipe_file("/data/runs/tiny/none/a.txt", b"no image")
    write_config(config, values)
    assert run_command("train", [*words, "--dry-run"]) == 2
    told = capsys.readouterr().err
    assert "memory://data/runs/tiny/none" in told
    assert "places" not in told
