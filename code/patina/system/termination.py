"""SIGTERM, which job schedulers, `kill` and `docker stop` send: it ends a command as Ctrl-C does."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def terminated_like_interrupted() -> Iterator[None]:
    """Raise KeyboardInterrupt for the first SIGTERM in a ``with`` block, and ignore those that follow.

    Schedulers may send several, and what ends the work should end. Only the main thread gets signals; where the program
    has a handler of its own, that stays. A training replaces this one while it runs: it takes a step to its end first.
    """
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    is_over = False

    def on_signal(number: int, frame: object) -> None:
        nonlocal is_over
        if not is_over:
            is_over = True
            raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, on_signal)
    try:
        yield
    finally:
        is_over = True
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
