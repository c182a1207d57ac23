"""Starts the processes of one training on this machine, one for each device, and says in one line why they ended."""

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch.distributed.elastic.multiprocessing import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure, record
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from patina.errors import PatinaError
from patina.system.deaf_processes import hear_interrupts, interrupts_blocked
from patina.system.devices import compute_device
from patina.training.failures import ENDED_ELSEWHERE, is_lost

A = TypeVar("A")

THREADS = "OMP_NUM_THREADS"
"""The variable for the number of threads of a process."""


def run_on_devices(work: Callable[[A], bool], argument: A, devices: int, device: str = "auto") -> bool:
    """Call ``work(argument)`` in a process for each device, as torchrun does.

    Args:
        work: a module's function; it makes its Fabric by `patina.training.processes.fabric_of_processes`.
        argument: can be pickled.
        devices: number of processes.
        device: name of the devices, see `compute_device`.

    Returns:
        What `work` returned; False if Ctrl-C or SIGTERM ended the processes.

    Raises:
        PatinaError: a process failed or was killed, or this machine has fewer devices.
    """
    _require_devices(devices, device)
    settings = LaunchConfig(
        min_nodes=1, max_nodes=1, nproc_per_node=devices, run_id="patina", rdzv_backend="c10d",
        rdzv_endpoint="localhost:0", max_restarts=0,
    )  # fmt: skip
    threads = max(1, len(os.sched_getaffinity(0)) // devices) if hasattr(os, "sched_getaffinity") else 1
    os.environ.setdefault(THREADS, str(threads))
    os.environ.setdefault("LOGLEVEL", "CRITICAL")
    os.environ.setdefault("PYTHONWARNINGS", "ignore::UserWarning:multiprocessing.resource_tracker")
    _silence_launcher()
    try:
        with _interruptible_later():
            results = elastic_launch(settings, _recorded)(work, argument)
    except SignalException:
        return False
    except ChildFailedError as error:
        raise PatinaError(_told(error.failures, devices)) from None
    return all(results.values())


@record
def _recorded(work: Callable[[Any], bool], argument: Any) -> bool:
    """Call `work`; an error is written down with its time, so that the first one is known."""
    _silence_launcher()
    try:
        hear_interrupts()
        return work(argument)
    except KeyboardInterrupt:  # before the first step
        return False
    except RuntimeError as error:
        if is_lost(error):  # outside the loop, which says so itself
            raise PatinaError(ENDED_ELSEWHERE) from error
        raise


@contextmanager
def _interruptible_later() -> Iterator[None]:
    """Let processes that are started in the ``with`` block get Ctrl-C when they have loaded their modules, not before.

    They begin with the mask of the main thread. This process gets its own Ctrl-C through a thread without that mask.
    """
    is_over = threading.Event()
    receiver = threading.Thread(target=is_over.wait, daemon=True)
    receiver.start()
    try:
        with interrupts_blocked():
            yield
    finally:
        is_over.set()
        receiver.join()


def _require_devices(devices: int, device: str) -> None:
    if devices < 1:
        raise PatinaError(f"-devices {devices}: expected 1 or more")
    if torch.distributed.is_torchelastic_launched():
        raise PatinaError(f"-devices {devices}: torchrun has started the processes already; leave -devices out")
    kind = compute_device(device).type
    if kind == "mps":
        raise PatinaError(f"-devices {devices}: Apple's GPU is one device; use -devices 1")
    if kind == "cuda" and devices > torch.cuda.device_count():
        raise PatinaError(f"-devices {devices}: this machine has {torch.cuda.device_count()} GPUs; use at most as many")


def _silence_launcher() -> None:
    """Leave the words to Patina: torch logs tables and tracebacks for every process that ends."""
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if name.startswith(("torch.distributed", "torch.multiprocessing")) and isinstance(logger, logging.Logger):
            logger.setLevel(logging.CRITICAL + 1)


def _told(failures: dict[int, ProcessFailure], devices: int) -> str:
    """Return in one line which process ended first, and why."""
    killed = {rank: failure for rank, failure in failures.items() if failure.exitcode < 0}
    reasons = {rank: _message(failure) for rank, failure in failures.items()}
    own = {rank: reason for rank, reason in reasons.items() if rank not in killed and ENDED_ELSEWHERE not in reason}
    if own:
        return own[min(own, key=lambda rank: failures[rank].timestamp)]
    if killed:
        rank, failure = min(killed.items())
        name = signal.Signals(-failure.exitcode).name
        return (
            f"process {rank} of {devices} was killed ({name}), for lack of memory if not by hand, and the others ended "
            "with it; the same command continues from the last saved step"
        )
    return next(iter(reasons.values()))


def _message(failure: ProcessFailure) -> str:
    """Return the message of the error that a process ended with."""
    told: Any = failure.message  # with the traceback, where the process wrote its error down
    text = str(told["message"] if isinstance(told, dict) else told)
    return text.partition(f"{PatinaError.__name__}: ")[2] or text
