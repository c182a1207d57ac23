"""Processes that begin deaf to Ctrl-C."""

import os
import signal
import sys
import threading
from multiprocessing import resource_tracker
from multiprocessing.context import BaseContext

import pytest

from patina.system.deaf_processes import FRESH, SPAWN, hear_interrupts, interrupts_blocked

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C otherwise")


def ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    hear_interrupts()


@pytest.mark.parametrize("context", [SPAWN, FRESH], ids=["spawn", "fresh"])
def test_ctrl_c_before_its_modules_are_loaded_does_not_end_a_process(context: BaseContext) -> None:
    process = context.Process(target=ignore_interrupts)
    process.start()
    assert process.pid is not None
    os.kill(process.pid, signal.SIGINT)
    process.join()
    assert process.exitcode == 0


def test_systems_without_masks_start_processes_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(signal, "pthread_sigmask")
    monkeypatch.setattr(resource_tracker, "ensure_running", lambda: pytest.fail("Windows cannot start it"))
    with interrupts_blocked():
        hear_interrupts()


def test_a_missed_ctrl_c_arrives_afterwards() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        with interrupts_blocked():
            signal.pthread_kill(threading.get_ident(), signal.SIGINT)
            assert not heard
        assert heard == [signal.SIGINT]
    finally:
        signal.signal(signal.SIGINT, before)
