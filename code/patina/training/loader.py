"""Batches from the processes that read pictures, on the device; their errors reach the loop between two steps."""

import errno
import signal
from collections.abc import Generator, Iterator
from contextlib import contextmanager

from lightning_fabric import Fabric
from torch.utils.data import DataLoader

from patina.data.batches import ReadableSamples, StepBatches
from patina.errors import PatinaError
from patina.system.deaf_processes import ignore_terminal
from patina.training.batch_parts import Batch
from patina.training.interruption import Flag
from patina.training.readers import Readers, replacing_torchs_handler
from patina.training.task import Task

Loaded = tuple[Batch, list[str]]
"""A batch, and messages about unreadable pictures."""

DYING = 5.0
"""Seconds within which a process has died whose connection broke."""

_NOT_OF_MEMORY = (None, errno.EMFILE, errno.ENFILE, errno.EAGAIN)
"""Errors of other limits, and those without a number."""


def loaded_batches(
    task: Task, steps: range, workers: int, fabric: Fabric, interrupted: Flag | None = None
) -> Generator[Loaded, None, None]:
    """Yield the batches of some steps, on the device, with messages about unreadable pictures.

    They end early only if SIGTERM ends both the training and a process that reads, as job schedulers send it to all
    processes of a job.

    Args:
        task: owns the data set.
        steps: consecutive steps.
        workers: number of processes; 0 reads in this one.
        fabric: the device.
        interrupted: set when SIGTERM ends the training.

    Raises:
        PatinaError: too many pictures cannot be read.
        RuntimeError: a process that reads pictures died.
    """
    batches = _started(task, steps, workers, fabric)
    readers = Readers(getattr(batches, "_workers", ()))
    told = _told(readers, batches)
    try:
        for step in steps:
            if (batch := next(told, None)) is None:
                raise RuntimeError(f"the batches end before step {step} of {steps.stop - 1}")
            yield fabric.to_device(batch)
    except RuntimeError:
        if not (readers.were_terminated and interrupted is not None and interrupted.comes(within=1)):
            raise
    finally:
        if readers:  # an error's traceback would keep them alive
            getattr(batches, "_shutdown_workers")()  # noqa: B009


def _started(task: Task, steps: range, workers: int, fabric: Fabric) -> Iterator[Loaded]:
    """Return the batches on the CPU, with the processes started that read them; arguments as in `loaded_batches`."""
    samples = ReadableSamples(task.dataset, task.batch_size, task.collate)
    loader: DataLoader[Loaded] = DataLoader(
        samples,
        batch_sampler=StepBatches(task.parts.own_slots(task.batch_size), steps.start, steps.stop - 1),
        collate_fn=samples.collate,
        num_workers=workers,
        pin_memory=fabric.device.type == "cuda",
        worker_init_fn=_leave_interruption_to_the_loop if workers else None,
    )
    with replacing_torchs_handler(), _lack_of_shared_memory_told(bool(workers)):
        return iter(loader)


def _told(readers: Readers, batches: Iterator[Loaded]) -> Iterator[Loaded]:
    """Yield the batches; say of errors that come from a process what they are."""
    try:
        with _lack_of_shared_memory_told(bool(readers)):
            yield from readers.between_steps(batches)
    except PatinaError as error:
        # An error in a worker process arrives wrapped in the traceback of that process.
        raise type(error)(str(error.args[0]).rstrip().rpartition(f"{type(error).__name__}: ")[2]) from error
    except (ConnectionError, EOFError, FileNotFoundError) as error:
        # A process that is gone is met first, now and then, by whoever fetches its batch. Errors of the data arrive
        # from a process that goes on, with its traceback.
        if not readers.have_died(within=0 if "in DataLoader worker process" in str(error) else DYING):
            raise
        raise RuntimeError(f"DataLoader worker exited unexpectedly: {error}") from error


@contextmanager
def _lack_of_shared_memory_told(shared: bool) -> Iterator[None]:
    """Say of errors of memory that is shared with processes, if there are some, that they are that.

    They name no file, those of images do.
    """
    try:
        yield
    except (ConnectionError, FileNotFoundError):
        raise
    except OSError as error:
        if error.errno != errno.ENOSPC and (not shared or error.errno in _NOT_OF_MEMORY or error.filename is not None):
            raise
        raise RuntimeError(f"no shared memory for the processes that read: {error}") from error


def _leave_interruption_to_the_loop(worker: int) -> None:
    """Ignore what a terminal sends to the whole process group, in a worker of the loader."""
    ignore_terminal()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
