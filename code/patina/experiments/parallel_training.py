"""Trainings side by side, one thread each."""

import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context, parent_process

import torch

from patina.errors import PatinaError
from patina.pipelines.training_run import train_config
from patina.specs.experiment import TrainableConfig
from patina.system.progress import silence_progress


@contextmanager
def processes() -> Iterator[ProcessPoolExecutor]:
    """Yield a pool with one process per core and one thread per process: small networks gain nothing from more."""
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
    """Stop when the experiment is killed: the running training saves its state, and no other one begins."""
    if (parent := parent_process()) is not None:
        parent.join()
    while True:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(1)


def train_all(configs: Sequence[TrainableConfig], device: str) -> None:
    """Train configurations side by side; finished ones are not trained again.

    Raises:
        PatinaError: a training was interrupted.
    """
    with processes() as pool:
        for finished in [pool.submit(train_config, config, device) for config in configs]:
            require_finished(finished.result())


def require_finished(finished: bool) -> None:
    """Stop an experiment when one of its trainings was interrupted.

    Raises:
        PatinaError: the training was not finished.
    """
    if not finished:
        raise PatinaError("stopped; the same command continues from here")
