"""Child processes that begin deaf to Ctrl-C, which terminals send to all processes of a command.

A signal that arrives while Python loads its modules would end the child with a traceback. So it begins with SIGINT
blocked, and decides about it in its first function: ignore it, or `hear_interrupts`.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import context, get_all_start_methods, resource_tracker


@contextmanager
def interrupts_blocked() -> Iterator[None]:
    """Block SIGINT in this thread and in processes that it starts; this process gets a missed one afterwards."""
    resource_tracker.ensure_running()  # its start would unblock the signal
    _mask(signal.SIG_BLOCK)
    try:
        yield
    finally:
        hear_interrupts()


def hear_interrupts() -> None:
    """Let this thread get Ctrl-C again."""
    _mask(signal.SIG_UNBLOCK)


def _mask(how: int) -> None:
    if hasattr(signal, "pthread_sigmask"):  # not on Windows
        signal.pthread_sigmask(how, {signal.SIGINT})


class _Spawned(context.SpawnProcess):
    def start(self) -> None:
        with interrupts_blocked():
            super().start()


class _Spawn(context.SpawnContext):
    Process = _Spawned


SPAWN: context.BaseContext = _Spawn()
"""Starts each process anew."""

FRESH: context.BaseContext = SPAWN
"""Starts processes from one that only has the libraries loaded, where the system can fork, otherwise like `SPAWN`."""

if "forkserver" in get_all_start_methods():

    class _Forked(context.ForkServerProcess):
        def start(self) -> None:
            with interrupts_blocked():
                super().start()

    class _ForkServer(context.ForkServerContext):
        Process = _Forked

    FRESH = _ForkServer()
