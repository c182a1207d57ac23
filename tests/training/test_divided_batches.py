"""Batches that are computed in parts or by several processes: the weights are those of the whole batch."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml

from patina.cli.main import run_command
from patina.errors import PatinaError
from patina.models.generator_files import load_generator
from patina.pipelines.training_run import TrainingRequest, run_training
from patina.training.batch_parts import BatchParts
from patina.training.launching import run_on_devices
from refusing_process import refusing
from small_trainings import TASKS, train, write_sets, write_training

pytestmark = pytest.mark.distributed

GAN = {"type": "gan", "weight": 0.05, "discriminator": {"architecture": "unet", "features": 4}}
RANKS = 2
OPTIMISERS = ["adan", "muon", "adamw_schedulefree"]  # SOAP's eigenbases make rounding visible


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    return write_sets(tmp_path_factory.mktemp("sets"))


def write_divided(sets: Path, task: str, runs: Path, accumulate: int = 1, **data) -> Path:
    """Write a training whose batch of 4 can be divided, with everything that looks beyond a part of it."""
    config = write_training(sets, task, runs)
    values = yaml.safe_load(config.read_text())
    values["data"] |= {"batch": 4} | data
    if task == "restoration":  # relativistic losses see the mean of all logits, and mixup other pairs
        values["stages"][0] |= {"losses": [{"type": "l1"}, GAN], "accumulate": accumulate}
        values["data"]["augment"] = {"mixup": 1.0}
    else:
        values["training"]["accumulate"] = accumulate
    if task == "sr3":
        values["model"]["dropout"] = 0.3
        values["training"]["epochs"] = 8
    config.write_text(yaml.safe_dump(values))
    return config


def last_weights(runs: Path) -> torch.Tensor:
    """Return all trained weights of the last state, joined."""
    states = sorted(runs.rglob("training_state/*.state"), key=lambda path: (path.parent, int(path.stem)))
    task = torch.load(states[-1], weights_only=True)["task"]
    networks = [values["network"] for values in task.values() if "network" in values]
    return torch.cat([value.flatten().float() for network in networks for value in network.values()])


def require_alike(one: Path, other: Path, start: Path) -> None:
    """Make sure that two trainings end at the same weights, measured by the way from where they began."""
    way = (last_weights(one) - last_weights(start)).norm()
    assert way > 0
    assert (last_weights(one) - last_weights(other)).norm() < 0.01 * way


def write_start(sets: Path, task: str, runs: Path) -> Path:
    """Train a single step with a learning rate so small that the weights are those of the beginning."""
    config = write_divided(sets, task, runs)
    values = yaml.safe_load(config.read_text())
    stage = values["stages"][0] if task == "restoration" else values["training"]
    stage["learning_rate"] = 1e-12
    config.write_text(yaml.safe_dump(values))
    return config


@pytest.fixture(scope="module")
def whole(sets, tmp_path_factory):
    """Train every task with whole batches in one process; return the folder."""
    folder = tmp_path_factory.mktemp("whole")
    for task in TASKS:
        assert train(write_divided(sets, task, folder / task)) == 0
        assert train(write_start(sets, task, folder / f"{task}-start")) == 0
    return folder


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("task", TASKS)
def test_accumulated_parts_equal_the_whole_batch(sets, whole, tmp_path, task):
    assert train(write_divided(sets, task, tmp_path / "parts", accumulate=2)) == 0
    require_alike(whole / task, tmp_path / "parts", whole / f"{task}-start")


def train_all(folder: str) -> bool:
    """Train in one of several processes, one configuration after the other, at last another one in each process."""
    done = all(
        run_training(TrainingRequest(config, device="cpu")) for config in Path(folder, "all").read_text().split()
    )
    own = str(Path(folder, f"other{os.environ['RANK']}.yml"))
    try:
        run_training(TrainingRequest(own, device="cpu"))
    except PatinaError as error:
        Path(own).with_suffix(".told").write_text(str(error))
    return done


def write_optimised(sets: Path, optimiser: str, runs: Path) -> Path:
    """Write a training by another optimiser than Adam, which keeps the best model."""
    config = write_divided(sets, "luminance", runs)
    values = yaml.safe_load(config.read_text())
    values["training"] |= {"optimiser": optimiser, "learning_rate": 1e-3, "keep": {"best": "psnr"}}
    config.write_text(yaml.safe_dump(values))
    return config


@pytest.fixture(scope="module")
def divided(sets, tmp_path_factory):
    """Train everything by two processes, which are started once, as their imports take longer; return the folder."""
    folder = tmp_path_factory.mktemp("divided")
    configs = [write_divided(sets, task, folder / task) for task in TASKS]
    configs += [write_divided(sets, "restoration", folder / "both", accumulate=2)]
    configs += [write_optimised(sets, optimiser, folder / optimiser) for optimiser in OPTIMISERS]
    for rank in range(RANKS):
        write_divided(sets, "luminance", folder / f"other{rank}")
    (folder / "all").write_text("\n".join(map(str, configs)))
    assert run_on_devices(train_all, str(folder), RANKS, "cpu")
    return folder


@pytest.mark.slow
@pytest.mark.long
def test_two_processes_equal_one(whole, divided):
    for task in TASKS:
        require_alike(whole / task, divided / task, whole / f"{task}-start")
    require_alike(whole / "restoration", divided / "both", whole / "restoration-start")


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_two_processes_equal_one_with_other_optimisers(sets, whole, divided, tmp_path, optimiser):
    one, two, start = tmp_path / "one", divided / optimiser, whole / "luminance-start"
    assert train(write_optimised(sets, optimiser, one)) == 0
    require_alike(one, two, start)
    best = [load_generator(runs / "tiny/models/best.safetensors").model.state_dict() for runs in (one, two)]
    difference = sum(float((best[0][key] - value).square().sum()) for key, value in best[1].items()) ** 0.5
    assert difference < 0.01 * (last_weights(one) - last_weights(start)).norm()


@pytest.mark.slow
@pytest.mark.long
def test_processes_with_other_configurations_are_refused(divided):
    for rank in range(RANKS):
        told = (divided / f"other{rank}.told").read_text()
        assert told.startswith("process 1 of 2 has a different configuration from process 0")


@pytest.mark.slow
def test_the_error_of_a_process_is_told_as_it_is():
    with pytest.raises(PatinaError, match=r"^process 1 of 2 says no$"):
        run_on_devices(refusing, "process {} of 2 says no", RANKS, "cpu")


def test_a_batch_that_cannot_be_divided_is_named(sets, tmp_path, capsys):
    assert run_command("train", ["-opt", str(write_divided(sets, "deflow", tmp_path / "a", accumulate=4))]) == 2
    assert "data.batch 4 cannot be divided into 4 parts (devices 1 times accumulate 4) with an even" in (
        capsys.readouterr().err
    )
    assert BatchParts().own_slots(5) == range(5)


def test_a_number_of_devices_that_is_none_is_named(sets, tmp_path, capsys):
    config = str(write_divided(sets, "deflow", tmp_path / "a"))
    assert run_command("train", ["-opt", config, "-devices", "0"]) == 2
    assert "-devices 0: expected 1 or more" in capsys.readouterr().err


def begun_by_torchrun(monkeypatch, port: int) -> None:
    """Give this process the variables that torchrun gives to the first of two, which opens the port."""
    values = {"TORCHELASTIC_RUN_ID": "run", "MASTER_ADDR": "localhost", "MASTER_PORT": port, "RANK": 0}
    for name, value in (values | {"LOCAL_RANK": 0, "WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 2}).items():
        monkeypatch.setenv(name, str(value))


def test_a_port_in_use_is_named_in_one_line(sets, tmp_path, monkeypatch, capsys):
    config = str(write_divided(sets, "luminance", tmp_path / "a"))
    with socket.create_server(("", 0)) as taken:
        begun_by_torchrun(monkeypatch, port := taken.getsockname()[1])
        assert run_command("train", ["-opt", config, "-device", "cpu"]) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith(f"error: port {port} of this machine is in use, on which the 2 processes of the training")
    assert "--master-port" in told
    assert not (tmp_path / "a").exists()


def children_of(pid: int) -> list[int]:
    """Return the processes that train: those of a process that have loaded torch's distributed parts."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            fields = (path / "stat").read_text().rpartition(")")[2].split()
            environment = (path / "environ").read_bytes()
        except OSError:
            continue
        if int(fields[1]) == pid and b"spawn_main" in (path / "cmdline").read_bytes() and environment:
            found.append(int(path.name))
    return sorted(found)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's list of processes")
def test_a_killed_process_ends_the_others_and_the_training_goes_on_with_one(sets, whole, tmp_path):
    config = write_divided(sets, "ludvae", tmp_path / "cut")
    values = yaml.safe_load(config.read_text())
    values["training"] |= {"steps": 100_000, "validate_every": 100_000, "save_every": 2, "log_every": 10}
    config.write_text(yaml.safe_dump(values))
    command = [sys.executable, "-m", "patina.cli", "train", "-opt", str(config), "-device", "cpu", "-devices", "2"]
    started = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    states = tmp_path / "cut/tiny/training_state"
    while not list(states.glob("*.state")) and started.poll() is None:
        time.sleep(0.1)
    os.kill(children_of(started.pid)[-1], signal.SIGKILL)
    began = time.monotonic()
    _, told = started.communicate(timeout=60)
    assert time.monotonic() - began < 60
    assert started.returncode == 2
    assert "was killed (SIGKILL)" in told.splitlines()[-1], told
    assert "Traceback" not in told
    # The same command with one process goes on from what was saved, to the step at which the whole one ended.
    values["training"]["steps"] = last = max(int(path.stem) for path in states.glob("*.state")) + 2
    config.write_text(yaml.safe_dump(values))
    assert run_training(TrainingRequest(str(config), device="cpu"))
    assert (states / f"{last}.state").is_file()
    alone = write_divided(sets, "ludvae", tmp_path / "alone")
    config_alone = yaml.safe_load(alone.read_text())
    config_alone["training"] |= values["training"]
    alone.write_text(yaml.safe_dump(config_alone))
    assert run_training(TrainingRequest(str(alone), device="cpu"))
    require_alike(tmp_path / "alone", tmp_path / "cut", whole / "ludvae-start")
