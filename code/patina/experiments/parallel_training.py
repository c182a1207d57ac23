"""Trainings side by side, one thread each."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from typing import Any, TypeVar

import torch

from patina.errors import PatinaError
from patina.pipelines.training_run import train_config
from patina.specs.experiment import TrainableConfig
from patina.system.deaf_processes import SPAWN, ignore_terminal
from patina.system.progress import silence_progress

T = TypeVar("T")
_ended = threading.Event()
"""In a process of the pool: whether the experiment has ended."""

_working = threading.Lock()
"""In a process of the pool: held while a training runs."""


@contextmanager
def processes() -> Iterator[ProcessPoolExecutor]:
    """Yield a pool with one process per core and one thread per process: small networks gain nothing from more.

    When an error or Ctrl-C leaves the ``with`` block, running trainings save their state and stop, and no other begins.
    """
    experiment_goes_on, experiment = SPAWN.Pipe(duplex=False)
    pool = _Pool(os.cpu_count(), SPAWN, initializer=_start_process, initargs=(experiment_goes_on,))
    try:
        yield pool
    except BaseException:
        experiment.close()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        experiment.close()
        experiment_goes_on.close()


def _start_process(experiment: Connection) -> None:
    torch.set_num_threads(1)
    silence_progress()
    ignore_terminal()
    threading.Thread(target=_end_with_experiment, args=(experiment,), daemon=True).start()


def _end_with_experiment(experiment: Connection) -> None:
    """Stop when the experiment closes its end of a pipe, or is killed: a training saves its state on the signal.

    A pool's processes wait for work for ever if the experiment is killed, because they hold the queue open themselves.
    """
    experiment.poll(None)
    _ended.set()
    os.kill(os.getpid(), signal.SIGTERM)
    if (parent := parent_process()) is not None:
        parent.join()
    with _working:
        os._exit(1)


class _Pool(ProcessPoolExecutor):
    """A pool whose processes begin nothing after the end of the experiment.

    Cancelling is not enough for this, because a pool hands out more work than it has processes.
    """

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        return super().submit(_unless_ended, fn, *args, **kwargs)


def _unless_ended(work: Callable[..., T], *arguments: Any, **options: Any) -> T:
    if _ended.is_set():
        raise PatinaError("the experiment was stopped before this began")
    with _working:
        return work(*arguments, **options)


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
