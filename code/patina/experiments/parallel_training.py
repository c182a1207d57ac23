"""What experiments share: methods by name, trainings side by side, means with their spread, words on the way."""

import os
import re
import signal
import sys
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context, parent_process

import numpy as np
import torch

from patina.degradations.learned_degradation import Span, parse_span
from patina.errors import PatinaError
from patina.pipelines.training_run import train_config
from patina.specs.experiment import Experiment
from patina.system.progress import silence_progress


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


def train_all(configs: Sequence[Experiment], device: str) -> None:
    """Train configurations side by side; those that are done already are not trained again.

    Raises:
        PatinaError: a training was interrupted.
    """
    with processes() as pool:
        for finished in [pool.submit(train_config, config, device) for config in configs]:
            require_finished(finished.result())


def named_model(given: str, taken: Collection[str]) -> tuple[str, str, dict[str, Span]]:
    """Read ``NAME=MODEL,KNOB=VALUE``: a method's name, its model, and the knobs that are set.

    Args:
        given: a value of ``-learned``.
        taken: names that other rows of the experiment have.

    Raises:
        PatinaError: it reads otherwise, or the name is taken.
    """
    name, separator, model = given.partition("=")
    model, *knobs = model.split(",")
    if not separator or not re.fullmatch(r"[\w.-]+", name) or name in taken:
        raise PatinaError(f"-learned is {given!r}, expected NAME=MODEL, e.g. LUD-VAE=LUDVAE-polyu")
    try:
        return name, model, {knob: parse_span(value) for knob, _, value in (each.partition("=") for each in knobs)}
    except ValueError as error:
        raise PatinaError(f"-learned is {given!r}: {error}") from error


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
