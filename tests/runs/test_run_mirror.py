"""Trainings whose runs lie at an address: as in a folder, on any machine, also while nothing can be sent."""

import json

import pytest
import yaml

from patina.system import remote_files
from patina.system.place_paths import places_root
from small_trainings import results, train, write_sets, write_training

pytestmark = [pytest.mark.distributed, pytest.mark.slow]

fsspec = pytest.importorskip("fsspec")
RUNS = "memory://data/runs"


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch):
    """Begin on a machine of its own, with an empty service that is never waited for."""
    monkeypatch.setattr(remote_files, "PAUSES", ())
    fsspec.filesystem("memory").store.clear()
    use_machine(tmp_path / "first", monkeypatch)


def use_machine(folder, monkeypatch):
    monkeypatch.setenv("PATINA_PLACES", str(folder))


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    return write_sets(tmp_path_factory.mktemp("sets"))


@pytest.fixture(scope="module")
def whole(sets, tmp_path_factory):
    """Train in a folder of this machine; return what is left there."""
    folder = tmp_path_factory.mktemp("whole") / "runs"
    assert train(write_training(sets, "restoration", folder)) == 0
    return results(folder)


def write_remote(sets, folder, steps: int = 4, runs: str = RUNS):
    """Write the training of `whole`, with its folder at an address."""
    config = write_training(sets, "restoration", folder / "remote")
    values = yaml.safe_load(config.read_text()) | {"runs": runs}
    values["stages"][0]["steps"] = steps
    config.write_text(yaml.safe_dump(values))
    return config


def fetched(folder, address: str = RUNS):
    """Copy what is at the address to a folder; return what a training left there."""
    files, path = fsspec.core.url_to_fs(address)
    files.get(f"{path}/", str(folder), recursive=True)
    return results(folder)


def failing(monkeypatch, fails):
    """Let no file be sent whose path `fails` names; return the paths that failed."""
    files, failed = type(fsspec.filesystem("memory")), []
    put_file = files.put_file

    def put(self, local, path, **options):
        if fails(path):
            failed.append(path)
            raise ConnectionResetError("reset by peer")
        return put_file(self, local, path, **options)

    monkeypatch.setattr(files, "put_file", put)
    return failed


def test_another_machine_continues(sets, whole, tmp_path, monkeypatch, capsys):
    config = write_remote(sets, tmp_path, steps=2)
    assert train(config) == 0
    assert f"done, model in {RUNS}/tiny/gan/models/final.safetensors" in capsys.readouterr().err
    use_machine(tmp_path / "second", monkeypatch)
    write_remote(sets, tmp_path)
    assert train(config) == 0
    told = capsys.readouterr().err
    assert "continues from step 2" in told
    assert "began with other values of stages.steps" not in told
    found = fetched(tmp_path / "copy")
    assert found == {name: whole[name] for name in found}
    assert {*whole} - {*found} == {"tiny/gan/models/2.safetensors"}  # the first call had it as its last model
    log = [json.loads(line) for line in (tmp_path / "copy/tiny/gan/log.jsonl").open()]
    assert [line["step"] for line in log if line.get("part") == "train"] == [1, 2, 3, 4]
    assert yaml.safe_load((tmp_path / "copy/tiny/gan/config.yml").read_text())["runs"] == RUNS


def test_a_broken_connection_is_one_warning_and_costs_nothing(sets, whole, tmp_path, monkeypatch, capsys):
    config = write_remote(sets, tmp_path)
    with monkeypatch.context() as patch:
        failed = failing(patch, lambda path: True)
        assert train(config) == 2
    assert len(failed) == 3  # at both saves and at the end
    told = capsys.readouterr().err.splitlines()
    (warning,) = [line for line in told if line.startswith("warning") and "sent at the next save" in line]
    assert warning.startswith(f"warning: {RUNS}/tiny/gan/")
    assert "reset by peer" in warning
    assert told[-1].startswith(f"error: {RUNS}/tiny/gan/")
    assert told[-1].endswith("run the same command again to send it")
    assert train(config) == 0
    assert fetched(tmp_path / "copy") == whole


def test_a_state_is_sent_after_all_else_of_its_step(sets, whole, tmp_path, monkeypatch, capsys):
    """A machine is lost while it sends: the next one continues from the state before."""
    config = write_remote(sets, tmp_path)
    with monkeypatch.context() as patch:
        failed = failing(patch, lambda path: path.endswith("4.state"))
        assert train(config) == 2
    assert {path.rpartition("/")[2] for path in failed} == {"4.state"}
    use_machine(tmp_path / "second", monkeypatch)
    assert train(config) == 0
    assert "continues from step 2" in capsys.readouterr().err
    assert fetched(tmp_path / "copy") == whole


def test_what_was_not_sent_is_not_replaced_by_what_is_older(sets, whole, tmp_path, monkeypatch, capsys):
    config = write_remote(sets, tmp_path)
    with monkeypatch.context() as patch:
        failing(patch, lambda path: path.endswith(("4.state", "log.jsonl")))
        assert train(config) == 2
    assert train(config) == 0
    assert "was done before" in capsys.readouterr().err
    assert fetched(tmp_path / "copy") == whole
    log = (tmp_path / "copy/tiny/gan/log.jsonl").read_text()
    assert log == (places_root() / "memory/data/runs/tiny/gan/log.jsonl").read_text()


def test_files_that_others_see_grow_appear_whole(sets, whole, tmp_path):
    there = tmp_path / "there"
    assert train(write_remote(sets, tmp_path, runs=f"file://{there}")) == 0
    assert results(there) == whole
    assert not list(there.rglob(".*"))
