"""Child processes that begin deaf to Ctrl-C, which terminals send to all processes of a command.

A signal that arrives while Python loads its modules would end the child with a traceback. So it begins with SIGINT
blocked, and decides about it in its first function: ignore it, or `hear_interrupts`.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import context, get_all_start_methods, resource_tracker
from multiprocessing.process import BaseProcess


@contextmanager
def interrupts_blocked() -> Iterator[None]:
    """Block SIGINT in this thread and in processes that it starts; this process gets a missed one afterwards."""
    if not _can_block():
        yield
        return
    resource_tracker.ensure_running()  # its start would unblock the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def hear_interrupts() -> None:
    """Let this thread get Ctrl-C again."""
    if _can_block():
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


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
