"""Child processes that start with a terminal's signals blocked: Ctrl-C (SIGINT) and its loss (SIGHUP).

A signal that arrives while Python loads its modules would end the child with a traceback. So it begins with SIGINT and
SIGHUP blocked, and decides about them in its first function: `ignore_terminal`, or `hear_interrupts`.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import context, get_all_start_methods, resource_tracker
from multiprocessing.process import BaseProcess

from patina.system.termination import HANG_UP

_HANG_UP = set() if HANG_UP is None else {HANG_UP}
_FROM_TERMINAL = {signal.SIGINT, *_HANG_UP}


@contextmanager
def interrupts_blocked() -> Iterator[None]:
    """Block SIGINT and SIGHUP in this thread and in processes that it starts; this one gets missed ones afterwards."""
    if not _can_block():
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HANG_UP)  # of which Python's own processes know nothing
    try:
        resource_tracker.ensure_running()  # its start would unblock SIGINT
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def hear_interrupts() -> None:
    """Let this thread get Ctrl-C and the end of the terminal again."""
    if _can_block():
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _FROM_TERMINAL)


def ignore_terminal() -> None:
    """Ignore Ctrl-C and the end of the terminal in this process: the one that started it decides."""
    for number in _FROM_TERMINAL:
        signal.signal(number, signal.SIG_IGN)


def _can_block() -> bool:
    return hasattr(signal, "pthread_sigmask")  # not on Windows


class _BeginsDeaf(BaseProcess):
    def start(self) -> None:
        with interrupts_blocked():
            super().start()


class _Spawned(_BeginsDeaf, context.SpawnProcess):
    pass


class _Spawn(context.SpawnContext):
    Process = _Spawned


SPAWN: context.BaseContext = _Spawn()
"""Starts each process anew."""

FRESH: context.BaseContext = SPAWN
"""Starts processes from one that only has the libraries loaded, where the system can fork, otherwise like `SPAWN`."""

if "forkserver" in get_all_start_methods():

    class _Forked(_BeginsDeaf, context.ForkServerProcess):
        pass

    class _ForkServer(context.ForkServerContext):
        Process = _Forked

    FRESH = _ForkServer()
