"""Processes that read pictures, when a training has ended before its first step."""

import errno
import signal

import pytest

from patina.training.loader import _between_steps


def test_workers_that_end_after_a_failed_first_batch_raise_nothing():
    def batches():
        signal.signal(signal.SIGCHLD, lambda *_: (_ for _ in ()).throw(RuntimeError("killed by signal: Terminated")))
        raise OSError(errno.ENOSPC, "No space left on device")
        yield

    before = signal.getsignal(signal.SIGCHLD)
    try:
        with pytest.raises(OSError, match="No space left"):
            list(_between_steps(batches()))
        signal.raise_signal(signal.SIGCHLD)
    finally:
        signal.signal(signal.SIGCHLD, before)
