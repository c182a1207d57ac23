"""Ctrl-C in a training: the first one finishes the step and saves, a second one stops at once.

SIGTERM and the end of the terminal finish the step and save, too.
"""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from patina.system.termination import ENDING, HANG_UP, forget_terminal


@contextmanager
def interruption(alone: bool) -> Iterator["Flag"]:
    """Yield a flag that the first Ctrl-C, or another signal of `ENDING`, sets; a second Ctrl-C stops at once.

    Args:
        alone: whether this is the training's only process. Of several, each gets the terminal's Ctrl-C and that of the
            process that started them, so a second one says nothing; those that do not end are killed.
    """
    flag = Flag()

    def on_signal(number: int, frame: object) -> None:
        if flag and number == signal.SIGINT and alone:
            raise KeyboardInterrupt
        if number == HANG_UP:
            forget_terminal()
        elif alone:
            print("\nstopping after this step; Ctrl-C again stops at once", file=sys.stderr)
        flag.set()

    try:
        ignored = {HANG_UP} if HANG_UP and signal.getsignal(HANG_UP) == signal.SIG_IGN else set()  # by nohup
        previous = {number: signal.signal(number, on_signal) for number in {signal.SIGINT, *ENDING} - ignored}
    except ValueError:  # only the main thread receives signals
        previous = {}
    try:
        yield flag
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


class Flag:
    """False until it is set."""

    def __init__(self) -> None:
        self._set = False

    def set(self) -> None:
        """Make it true."""
        self._set = True

    def comes(self, within: float) -> bool:
        """Return whether it is set, now or in the next seconds."""
        end = time.monotonic() + within
        while not self._set and time.monotonic() < end:
            time.sleep(0.01)
        return self._set

    def __bool__(self) -> bool:
        return self._set
