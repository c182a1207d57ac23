"""Trainings that die of anything: saved first, told in one line, and the same command ends as if nothing had been."""

import errno
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from functools import cache

import pytest
import torch
from test_loop import Points, Regression, run, weights

from patina.errors import PatinaError
from patina.runs.run_folder import RunFolder
from patina.runs.run_log import RunLog
from patina.training.updates import Updater
from small_trainings import TASKS, results, train, write_sets, write_training

MEMORY = [
    MemoryError(),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
    RuntimeError("could not create a primitive"),
    OSError(errno.ENOMEM, "Cannot allocate memory"),
]
LOWER = (
    r"needs more memory than there is \(\w+.*\); set accumulate to 2 or more for .*, lower data\.batch or data\.patch"
)
FEWER = r"lower data\.workers in the configuration \(0 reads in the same process\)"
CONTINUES = r"; step {} is saved, and the same command continues from there$"
FAILS_AT = 9


class Failing(Points):
    """Samples that fail with an error of any kind at one step."""

    def __init__(self, error):
        self.error = error

    def __getitem__(self, place):
        if place[0] == FAILS_AT:
            raise self.error
        return super().__getitem__(place)


def saved_step(path) -> int:
    return RunFolder(path, "run").load_last_state()["step"]


def ends_as_whole(tmp_path, **changes) -> bool:
    whole, again = Regression(), Regression()
    assert run(tmp_path / "whole", whole)
    assert run(tmp_path / "cut", again, **changes)
    return torch.equal(weights(whole), weights(again))


def dies(tmp_path, task, told: str, **changes) -> None:
    with pytest.raises(PatinaError, match=told) as caught:
        run(tmp_path / "cut", task, **changes)
    assert len(str(caught.value).splitlines()) == 1


def fails_in(monkeypatch, place: str, error: Exception) -> None:
    """Let a training fail once at step 9."""
    owner, name, number = {
        "forward": (Regression, "_loss", FAILS_AT),
        "gradient": (Updater, "finish", FAILS_AT),
        "validation": (Regression, "validate", 2),
        "model": (Regression, "save_model", 2),
        "log": (RunLog, "write", 5),
    }[place]
    original, calls = getattr(owner, name), []

    def fail_once(*arguments):
        calls.append(1)
        if len(calls) == number:
            raise error
        return original(*arguments)

    monkeypatch.setattr(owner, name, fail_once)


@pytest.mark.parametrize("place", ["forward", "gradient", "validation", "model", "log"])
def test_an_error_anywhere_costs_no_step(tmp_path, monkeypatch, place):
    fails_in(monkeypatch, place, ZeroDivisionError("division by zero"))
    step = {"forward": 8, "gradient": 8, "validation": 10, "model": 10, "log": 8}[place]
    error = r"^run: ZeroDivisionError: division by zero \(unexpected; the traceback is in .*error\.txt\)"
    dies(tmp_path, Regression(), error + CONTINUES.format(step))
    assert "in fail_once" in (tmp_path / "cut/error.txt").read_text()
    assert saved_step(tmp_path / "cut") == step
    assert ends_as_whole(tmp_path)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("error", [ValueError("odd"), KeyError("odd"), OSError(errno.EIO, "odd"), MemoryError("odd")])
def test_an_error_in_the_data_costs_no_step(tmp_path, error, workers):
    task = Regression()
    task.dataset = Failing(error)
    dies(tmp_path, task, "^run: .*" + CONTINUES.format(8), workers=workers)
    assert ends_as_whole(tmp_path)


@pytest.mark.parametrize("error", MEMORY, ids=lambda error: type(error).__name__)
def test_lack_of_memory_names_the_settings_to_lower(tmp_path, monkeypatch, error):
    fails_in(monkeypatch, "forward", error)
    dies(tmp_path, Regression(), LOWER + ".*" + CONTINUES.format(8))
    assert not (tmp_path / "cut/error.txt").exists()
    assert ends_as_whole(tmp_path)


def test_lack_of_memory_before_the_first_step_is_told_too(tmp_path, monkeypatch):
    monkeypatch.setattr(Regression, "setup", lambda *_: (_ for _ in ()).throw(MEMORY[1]))
    dies(tmp_path, Regression(), LOWER + ".*; nothing was trained yet$")


def test_weights_that_changed_in_part_are_not_saved(tmp_path, monkeypatch):
    original, calls = torch.optim.Adam.step, []

    def fail_halfway(optimizer):
        original(optimizer)
        calls.append(1)
        if len(calls) == FAILS_AT:
            raise MEMORY[1]

    monkeypatch.setattr(torch.optim.Adam, "step", fail_halfway)
    dies(tmp_path, Regression(), LOWER + ".*" + CONTINUES.format(5))
    assert ends_as_whole(tmp_path)


def test_an_error_and_a_full_disk_are_both_told(tmp_path, monkeypatch):
    fails_in(monkeypatch, "forward", MEMORY[0])

    def full(*_):
        raise PatinaError("9.state cannot be written: No space left on device")

    monkeypatch.setattr(RunFolder, "save_state", full)
    dies(
        tmp_path,
        Regression(),
        LOWER + r".*; saving failed, too: 9\.state cannot be written: No space left",
        save_every=50,
    )


class Killing(Regression):
    """Kills a process that reads, in the midst of a step."""

    def training_step(self, batch, step):
        if step == FAILS_AT:
            os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)
            time.sleep(0.2)
        return super().training_step(batch, step)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.slow
def test_a_killed_worker_costs_nothing(tmp_path):
    told = rf"^run: a process that reads images was killed, .*; {FEWER}"
    dies(tmp_path, Killing(), told, workers=2, steps=400)
    assert saved_step(tmp_path / "cut") >= FAILS_AT
    whole, again = Regression(), Regression()
    assert run(tmp_path / "whole", whole, steps=60)
    assert run(tmp_path / "cut", again, steps=60)
    assert torch.equal(weights(whole), weights(again))


class WithChildren(Regression):
    """Has a process that ends by itself in the midst of a step."""

    def training_step(self, batch, step):
        subprocess.run([sys.executable, "-ISc", ""], check=True)
        return super().training_step(batch, step)


@pytest.mark.slow
def test_processes_that_end_by_themselves_are_no_error_whatever_trained_before(tmp_path):
    for name, workers in (("first", 0), ("second", 2), ("third", 2)):
        assert run(tmp_path / name, WithChildren(), workers=workers, steps=3)


def test_signals_to_the_whole_group_are_an_interruption(tmp_path):
    """Job schedulers send SIGTERM to the processes that read, too."""

    class Ended(Regression):
        def training_step(self, batch, step):
            if step == FAILS_AT:
                for process in (*multiprocessing.active_children(), multiprocessing.current_process()):
                    os.kill(process.pid, signal.SIGTERM)
                time.sleep(0.2)
            return super().training_step(batch, step)

    assert not run(tmp_path / "cut", Ended(), workers=2)
    assert saved_step(tmp_path / "cut") == FAILS_AT
    assert ends_as_whole(tmp_path)


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    return write_sets(tmp_path_factory.mktemp("sets"))


@pytest.fixture(scope="module")
def whole(sets, tmp_path_factory):
    """Return what trains a task without an interruption, once for all tests, and returns its folder of runs."""

    @cache
    def trained(task: str):
        runs = tmp_path_factory.mktemp(task) / "whole"
        assert train(write_training(sets, task, runs)) == 0
        return runs

    return trained


@pytest.mark.slow
@pytest.mark.parametrize(("task", "place"), [*((task, "finish") for task in TASKS), ("restoration", "apply")])
def test_every_task_continues_after_an_error_in_its_last_gradient(
    sets, whole, tmp_path, monkeypatch, capsys, task, place
):
    """Or before its first update: a discriminator's spectral norms have then changed, its weights not."""
    uncut = whole(task)
    cut = write_training(sets, task, tmp_path / "cut")
    original, steps = getattr(Updater, place), []
    lasts = ("flow", "ludvae", "discriminator", "luminance", "sr3", "real")

    def fail(updater, step):
        logged = original(updater, step) if place == "finish" else None
        if step == 3 and (place == "apply" or updater.name in lasts) and not steps:
            steps.append(step)
            raise RuntimeError("CUDA out of memory")
        return logged if place == "finish" else original(updater, step)

    monkeypatch.setattr(Updater, place, fail)
    assert train(cut) == 2
    told = capsys.readouterr().err.splitlines()[-1]
    assert "lower data.batch" in told
    assert "step 2 is saved" in told
    assert train(cut) == 0
    assert results(uncut) == results(tmp_path / "cut")


LITTLE_MEMORY = """
import subprocess, sys
from patina.cli.main import run_command
for size, config in zip(("40k", "100k"), sys.argv[1:]):
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", "/dev/shm"], check=True)
    print(run_command("train", ["-opt", config, "-device", "cpu"]))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has private mounts")
def test_a_small_dev_shm_is_told_in_one_line(sets, tmp_path):
    if subprocess.run(["unshare", "-rm", "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine allows no private mounts")
    configs = [write_training(sets, "ludvae", tmp_path / name, workers=2) for name in ("tiny", "small")]
    command = ["unshare", "-rm", sys.executable, "-c", LITTLE_MEMORY, *map(str, configs)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.stdout.split() == ["2", "2"], ended
    assert ended.stderr.count("error: tiny: the shared memory (/dev/shm) is too small") == 2
    assert "Traceback" not in ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize("step", [2, 4])
@pytest.mark.parametrize("task", ["luminance", "restoration"])
def test_a_validation_that_a_full_disk_left_out_is_made_up_for(sets, whole, tmp_path, monkeypatch, task, step):
    """The log line before it cannot be written, at a step in the middle and at the last one."""
    written = RunLog.write

    def full(log, part, at, values):
        if (part, at) == ("train", step):
            raise OSError(errno.ENOSPC, "No space left on device", "log.jsonl")
        written(log, part, at, values)

    uncut, cut = whole(task), write_training(sets, task, tmp_path / "cut")
    with monkeypatch.context() as patch:
        patch.setattr(RunLog, "write", full)
        assert train(cut) != 0
    assert train(cut) == 0
    assert results(tmp_path / "cut") == results(uncut)
    for runs in (uncut, tmp_path / "cut"):
        lines = [json.loads(line) for path in runs.rglob("log.jsonl") for line in path.open()]
        assert [line["step"] for line in lines if line.get("part") == "valid"] == [2, 4]
