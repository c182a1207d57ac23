"""Signals that end a command as Ctrl-C does: SIGTERM, and the one of a lost terminal.

Job schedulers, `kill` and `docker stop` send SIGTERM. A terminal that is closed, or whose connection breaks, sends
SIGHUP to all processes of the command.
"""

import os
import signal
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

HANG_UP = getattr(signal, "SIGHUP", None)  # not on Windows
"""The signal of a lost terminal."""

ENDING = tuple(number for number in (signal.SIGTERM, HANG_UP) if number is not None)
"""What ends a command as Ctrl-C does; `nohup` lets it ignore the second."""


@contextmanager
def terminated_like_interrupted() -> Iterator[None]:
    """Raise KeyboardInterrupt for the first signal of `ENDING` in a ``with`` block, and ignore those that follow.

    Schedulers may send several, and what ends the work should end. Only the main thread gets signals; where the program
    has a handler of its own, or ignores a signal, that stays. A training replaces these handlers while it runs: it
    takes a step to its end first.
    """
    is_over = False

    def on_signal(number: int, frame: object) -> None:
        nonlocal is_over
        if number == HANG_UP:
            forget_terminal()
        if not is_over:
            is_over = True
            raise KeyboardInterrupt

    handled = []
    if threading.current_thread() is threading.main_thread():
        handled = [number for number in ENDING if signal.getsignal(number) == signal.SIG_DFL]
    for number in handled:
        signal.signal(number, on_signal)
    try:
        yield
    finally:
        is_over = True
        for number in handled:
            signal.signal(number, signal.SIG_DFL)


def forget_terminal() -> None:
    """Print to nowhere what would go to a terminal that is gone, where every line would be an error."""
    for stream in (1, 2):
        with suppress(OSError):
            if stat.S_ISCHR(os.fstat(stream).st_mode):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream)
                os.close(nowhere)
