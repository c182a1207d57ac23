"""What experiments share: trainings side by side, means with their spread, and words on the way."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context, parent_process

import numpy as np
import torch

from patina.errors import PatinaError
from patina.runs.progress import silence_progress


@contextmanager
def processes() -> Iterator[ProcessPoolExecutor]:
    """Yield a pool that trains on all cores, one thread a process: small networks gain nothing from more."""
    pool = ProcessPoolExecutor(os.cpu_count(), get_context("spawn"), initializer=_start_process)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _start_process() -> None:
    torch.set_num_threads(1)
    silence_progress()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Stop where the experiment was killed: a training saves its state first, and no further one is begun."""
    parent_process().join()
    while True:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(1)


def spread(values: np.ndarray, digits: int) -> str:
    """Return the mean and, where the seeds differ, their standard deviation."""
    if np.ptp(values) == 0:
        return f"{values.mean():.{digits}f}"
    return f"{values.mean():.{digits}f} ± {values.std(ddof=1):.{digits}f}"


def require_finished(finished: bool) -> None:
    """Stop an experiment one of whose trainings was interrupted.

    Raises:
        PatinaError: it was not finished.
    """
    if not finished:
        raise PatinaError("stopped; the same command goes on from there")


def say(text: str) -> None:
    """Tell on standard error what is being done."""
    print(text, file=sys.stderr, flush=True)
