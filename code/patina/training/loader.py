"""Batches from the processes that read pictures, on the device; their errors reach the loop between two steps."""

import errno
import signal
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar, cast

from lightning_fabric import Fabric
from torch.utils.data import DataLoader

from patina.data.batches import ReadableSamples, StepBatches
from patina.errors import PatinaError
from patina.training.batch_parts import Batch
from patina.training.task import Task

T = TypeVar("T")


def loaded_batches(
    task: Task, steps: range, workers: int, fabric: Fabric
) -> Generator[tuple[Batch, list[str]], None, None]:
    """Yield the batches of some steps, on the device, with messages about unreadable pictures.

    They end early if somebody ends a process that reads (SIGTERM), as job schedulers do that end all of a job.

    Args:
        task: owns the data set.
        steps: consecutive steps.
        workers: number of processes; 0 reads in this one.
        fabric: the device.

    Raises:
        PatinaError: too many pictures cannot be read.
        RuntimeError: a process that reads pictures died.
    """
    samples = ReadableSamples(task.dataset, task.batch_size, task.collate)
    loader = DataLoader(
        samples,
        batch_sampler=StepBatches(task.parts.own_slots(task.batch_size), steps.start, steps.stop - 1),
        collate_fn=samples.collate,
        num_workers=workers,
        pin_memory=fabric.device.type == "cuda",
        worker_init_fn=_leave_interruption_to_the_loop if workers else None,
    )
    on_device = fabric.setup_dataloaders(loader, use_distributed_sampler=False)
    try:
        yield from _between_steps(cast(Iterator[tuple[Batch, list[str]]], iter(on_device)))
    except PatinaError as error:
        # An error in a worker process arrives wrapped in the traceback of that process.
        raise type(error)(str(error.args[0]).rstrip().rpartition(f"{type(error).__name__}: ")[2]) from error
    except (ConnectionError, EOFError, FileNotFoundError) as error:
        # A process that is gone is met first, now and then, by whoever fetches its batch. Errors of the data name a
        # file, or arrive from a process with its traceback.
        if workers == 0 or getattr(error, "filename", None) is not None or str(error).startswith("Caught "):
            raise
        raise RuntimeError(f"DataLoader worker exited unexpectedly: {error}") from error
    except OSError as error:
        # Errors of shared memory name no file, those of images do.
        if error.errno != errno.ENOSPC and (workers == 0 or error.errno is None or error.filename is not None):
            raise
        raise RuntimeError(f"no shared memory for the processes that read: {error}") from error
    except RuntimeError as error:
        if "killed by signal: Terminated" not in str(error):
            raise


def _between_steps(batches: Iterator[T]) -> Iterator[T]:
    """Yield the batches; a worker that dies during a step is reported after the step.

    torch reports a dead worker by raising an error from a signal, wherever the program is at that moment: also halfway
    through a change of the weights, which could not be saved then.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGCHLD"):
        yield from batches
        return
    try:
        batch = next(batches, None)  # torch sets its handler when the first batch is asked for
    finally:
        _watch.install()
    while batch is not None:
        yield batch
        with _watch.waiting():
            batch = next(batches, None)


class _Watch:
    """Stands between the signal of dead children and torch's handler, which it calls while the loop waits, only.

    It stays in between when a training has ended: Python ends what is left of the workers, which is no error.
    """

    def __init__(self) -> None:
        self._handler: object = None
        self._is_waiting = self._is_missed = self._is_inside = False

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Let the handler raise its error in a ``with`` block, also for a signal that came before."""
        self._is_waiting = True
        try:
            if self._is_missed:
                self._on_signal(signal.SIGCHLD, None)
            yield
        finally:
            self._is_waiting = False

    def install(self) -> None:
        """Take the place of the present handler, for a training that begins."""
        self._is_missed = False
        if signal.getsignal(signal.SIGCHLD) != self._on_signal:
            self._handler = signal.signal(signal.SIGCHLD, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._is_inside:  # torch's handler calls the one before it, which this may have been
            return
        self._is_missed = not self._is_waiting
        if self._is_waiting and callable(self._handler):
            self._is_inside = True
            try:
                self._handler(number, frame)
            finally:
                self._is_inside = False


_watch = _Watch()


def _leave_interruption_to_the_loop(worker: int) -> None:
    """Ignore Ctrl-C, which a terminal sends to the whole process group, in a worker of the loader."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
