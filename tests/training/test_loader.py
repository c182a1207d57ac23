"""Processes that read images: a training looks at its own, and at those of no other loader."""

import errno
import multiprocessing
import os
import signal

import pytest
import torch
from test_dying_trainings import FAILS_AT, FEWER, dies, ends_as_whole, saved_step
from test_loop import Points, Regression, run, weights
from torch.utils.data import DataLoader

from patina.training import loader

pytestmark = pytest.mark.skipif(not hasattr(os, "waitid"), reason="this system has no waitid")


class Ending(Regression):
    """Ends processes in the midst of a step."""

    def __init__(self, number, processes):
        super().__init__()
        self.number, self.processes = number, processes

    def training_step(self, batch, step):
        if step == FAILS_AT:
            for process in self.processes():
                os.kill(process.pid, self.number)
                os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it is dead, and nobody has asked for it
        return super().training_step(batch, step)


@pytest.fixture
def older():
    """A loader of an earlier training, whose process still runs."""
    begin = loader._leave_interruption_to_the_loop
    batches = iter(DataLoader(Points(), sampler=[(1, slot) for slot in range(9)], num_workers=1, worker_init_fn=begin))
    next(batches)
    yield batches
    batches._shutdown_workers()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_dead_reader_of_another_loader_stops_no_training(tmp_path, older, number):
    whole, disturbed = Regression(), Ending(number, lambda: older._workers)
    assert run(tmp_path / "whole", whole)
    assert run(tmp_path / "disturbed", disturbed, workers=1)
    assert torch.equal(weights(whole), weights(disturbed))


@pytest.mark.parametrize(("number", "workers"), [(signal.SIGTERM, 2), (signal.SIGKILL, 1)])
def test_a_dead_reader_of_its_own_is_an_error_and_no_interruption(tmp_path, number, workers):
    told = rf"^run: a process that reads images was killed, .*; {FEWER}"
    dies(tmp_path, Ending(number, lambda: multiprocessing.active_children()[:1]), told, workers=workers)
    assert saved_step(tmp_path / "cut") == FAILS_AT
    assert ends_as_whole(tmp_path)


def test_batches_that_end_early_are_an_error_and_no_interruption(tmp_path, monkeypatch):
    monkeypatch.setattr(loader, "StepBatches", lambda slots, first, last: [[(step, 0)] for step in range(first, 8)])
    dies(tmp_path, Regression(), r"^run: RuntimeError: the batches end before step 8 of 12 .*; step 7 is saved")


def test_a_broken_connection_is_no_death_where_every_process_lives(tmp_path, monkeypatch):
    def breaks(readers, batches):
        yield next(batches)
        raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")

    monkeypatch.setattr(loader, "DYING", 0.1)
    monkeypatch.setattr(loader.Readers, "between_steps", breaks)
    dies(tmp_path, Regression(), "^run: .*: Connection reset by peer; .*step 1 is saved", workers=1)


def test_workers_that_end_after_a_failed_first_batch_raise_nothing():
    def batches():
        raise OSError(errno.ENOSPC, "No space left on device")
        yield

    with loader.replacing_torchs_handler():
        signal.signal(signal.SIGCHLD, lambda *_: (_ for _ in ()).throw(RuntimeError("killed by signal: Terminated")))
    with pytest.raises(OSError, match="No space left"):
        list(loader.Readers([]).between_steps(batches()))
    signal.raise_signal(signal.SIGCHLD)


def test_a_handler_that_was_there_before_is_still_called(tmp_path):
    heard, before = [], signal.getsignal(signal.SIGCHLD)
    signal.signal(signal.SIGCHLD, lambda *_: heard.append(1))
    try:
        assert run(tmp_path, Ending(signal.SIGCHLD, lambda: []), workers=1)
        signal.raise_signal(signal.SIGCHLD)
        assert heard
    finally:
        signal.signal(signal.SIGCHLD, before)
