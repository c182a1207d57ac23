"""A training as a command: what it leaves in the run's folder, and that one process at a time writes there."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from patina.cli.main import run_command
from patina.models.model_files import load_model_file
from patina.runs.fingerprint import digest_of
from patina.runs.run_folder import RunFolder
from patina.runs.run_log import read_header, read_log
from sets import ludvae_values, write_config, write_pictures


@pytest.fixture
def folder(tmp_path):
    write_pictures(tmp_path / "clean", 2)
    write_pictures(tmp_path / "real", 2, seed=50, noise=10)
    return tmp_path


def write_training(folder: Path, name: str = "tiny", **training) -> Path:
    return write_config(folder / f"{name}.yml", ludvae_values(folder, **training) | {"name": name})


def train(config: Path) -> int:
    return run_command("train", ["-opt", str(config), "-device", "cpu"])


def final_weights(folder: Path, name: str) -> dict[str, torch.Tensor]:
    return load_model_file(folder / "runs" / name / "models/final.safetensors").weights


def test_the_log_begins_with_how_the_run_began(folder):
    assert train(write_training(folder)) == 0
    run = folder / "runs/tiny"
    header = read_header(run)
    assert (header.made_by.command, header.made_by.models) == ("train", {})
    assert header.made_by.notes == {"config": digest_of((run / "config.yml").read_bytes())}
    assert len(read_log(run)) + 1 == len((run / "log.jsonl").read_text().splitlines())
    assert {path.name for path in run.iterdir()} == {
        "config.yml", "log.jsonl", "models", "previews", "tb", "training_state"
    }  # fmt: skip


@pytest.mark.slow
def test_an_interrupted_run_keeps_one_header(folder):
    config = write_training(folder, steps=4)
    assert train(config) == 0
    (folder / "runs/tiny/training_state/4.state").unlink()
    assert train(write_training(folder, steps=6)) == 0
    run = folder / "runs/tiny"
    assert [line["step"] for line in read_log(run) if line["part"] == "train"] == [1, 2, 3, 4, 5, 6]
    assert sum("patina" in line for line in (run / "log.jsonl").read_text().splitlines()) == 1


@pytest.mark.slow
def test_a_run_without_a_log_is_continued(folder):
    """A user who deletes the log loses the numbers, and nothing else."""
    assert train(write_training(folder)) == 0
    (folder / "runs/tiny/log.jsonl").unlink()
    assert train(write_training(folder, steps=5)) == 0
    assert read_header(folder / "runs/tiny").made_by.command == "train"


@pytest.mark.slow
def test_two_trainings_never_write_into_one_run(folder, capsys):
    config = write_training(folder, steps=100_000, save_every=2, validate_every=100_000)
    command = [sys.executable, "-m", "patina.cli", "train", "-opt", str(config), "-device", "cpu"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as first:
        try:
            states = folder / "runs/tiny/training_state"
            wait_until(lambda: list(states.glob("[0-9]*.state")), first)
            assert train(config) == 2
            assert f"is being written by process {first.pid} on" in capsys.readouterr().err
        finally:
            first.send_signal(signal.SIGKILL)
    # The lock of the dead process is taken over, and the run continues as if nothing had happened.
    last = RunFolder(folder / "runs/tiny", "tiny").load_last_state()["step"]
    settings = {"steps": last + 3, "save_every": 2, "validate_every": 100_000}
    assert train(write_training(folder, **settings)) == 0
    assert train(write_training(folder, name="whole", **settings)) == 0
    weights, whole = final_weights(folder, "tiny"), final_weights(folder, "whole")
    assert all(torch.equal(weights[name], whole[name]) for name in whole)


def wait_until(condition, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 240
    while not condition():
        assert process.poll() is None, "the first training ended"
        assert time.monotonic() < deadline, "the first training did not begin"
        time.sleep(0.1)
