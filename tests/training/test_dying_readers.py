"""Processes that read images and die: told as what it is, a killed process or too little shared memory."""

import errno
import multiprocessing
import os
import signal
from itertools import islice

import pytest
from test_dying_trainings import FAILS_AT, FEWER, Failing, dies, ends_as_whole, fails_in
from test_loop import Regression

from patina.training.readers import Readers

LITTLE = rf"shared memory \(/dev/shm\) is too small .*; enlarge it, or {FEWER}"
KILLED = rf"a process that reads images was killed, .*; {FEWER}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "DataLoader worker (pid 7) is killed by signal: Bus error. It is possible that dataloader's workers are "
            "out of shared memory. Please try to raise your shared memory limit.",
            LITTLE,
        ),
        ("unable to write to file </torch_7_9_0>: No space left on device (28)", LITTLE),
        ("unable to open shared memory object </torch_7> in read-write mode: No space left on device (28)", LITTLE),
        ("DataLoader worker (pid 7) is killed by signal: Killed. ", KILLED),
        (
            "unable to open shared memory object </torch_7_9_0> in read-write mode: No such file or directory (2)",
            KILLED,
        ),
    ],
)
def test_little_shared_memory_and_a_killed_process_are_told_as_such(tmp_path, monkeypatch, text, told):
    fails_in(monkeypatch, "forward", RuntimeError(text))
    dies(tmp_path, Regression(), told)


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"),
        ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
        FileNotFoundError(errno.ENOENT, "No such file or directory"),
        EOFError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_process_that_is_gone_when_its_batch_is_fetched_was_killed(tmp_path, monkeypatch, error):
    def breaks(readers, batches):
        yield from islice(batches, FAILS_AT - 1)
        os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(Readers, "between_steps", breaks)
        dies(tmp_path, Regression(), KILLED, workers=1)
    assert ends_as_whole(tmp_path)


@pytest.mark.parametrize("error", [FileNotFoundError("no such kernel"), EOFError("no data left")])
def test_an_error_of_the_data_in_a_process_is_told_as_it_is(tmp_path, error):
    task = Regression()
    task.dataset = Failing(error)
    dies(tmp_path, task, rf"^run: .*{type(error).__name__}.*{error}.*step 8 is saved", workers=1)
