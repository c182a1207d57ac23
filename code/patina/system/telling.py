"""What a command tells beside its results: lines on standard error, unless the user wants it quiet."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from patina.errors import one_line

_QUIET = "PATINA_QUIET"
"""An environment variable, because the processes that a command starts inherit it."""

_last_told: float | None = None
"""When the command told anything, or began; None outside of commands."""


def tell(text: str) -> None:
    """Print a line about progress or finished work on standard error, unless the command is quiet.

    Errors and warnings are printed in any case, see `warn`.
    """
    if not is_quiet():
        warn(text)


def warn(text: str) -> None:
    """Print a line that also a quiet command shows, an error or a warning, on standard error."""
    print(one_line(text), file=sys.stderr, flush=True)
    end_silence(time.monotonic())


def is_quiet() -> bool:
    """Whether this process shows neither progress nor remarks, only errors, warnings and results."""
    return os.environ.get(_QUIET, "") not in ("", "0")


@contextmanager
def quietly(is_wanted: bool) -> Iterator[None]:
    """Keep this process and those that it starts quiet, if that is wanted."""
    before = os.environ.get(_QUIET)
    if is_wanted:
        os.environ[_QUIET] = "1"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_QUIET, None)
        else:
            os.environ[_QUIET] = before


@contextmanager
def counting_silence() -> Iterator[None]:
    """Count the `silence` of a command within the ``with`` block."""
    global _last_told
    _last_told = time.monotonic()
    try:
        yield
    finally:
        _last_told = None


def silence(now: float) -> float:
    """Return for how many seconds the command has told nothing; 0 outside of commands.

    A command of many short steps, none of which is long enough to tell of itself, must not seem to stand still.
    """
    return 0.0 if _last_told is None else now - _last_told


def end_silence(now: float) -> None:
    """Count the silence from now on."""
    global _last_told
    if _last_told is not None:
        _last_told = now
