"""The processes of folder jobs: one thread each, deaf to Ctrl-C, and gone with the command that started them."""

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from multiprocessing import parent_process
from threading import Thread

from patina.errors import PatinaError
from patina.system.allocator import keep_blocks_of_images
from patina.system.deaf_processes import SPAWN, ignore_terminal

_THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")

_kept: list[ProcessPoolExecutor] = []
"""The processes that jobs share, in `kept_workers`."""


@contextmanager
def kept_workers(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Let all jobs within the ``with`` block that use several processes share `workers` ones.

    A process takes about a second to start, as long as a small job. It starts when it is needed.
    """
    pool = ProcessPoolExecutor(workers, mp_context=SPAWN, initializer=_start_worker)
    _kept.append(pool)
    try:
        yield pool
    finally:
        _kept.remove(pool)
        pool.shutdown(cancel_futures=True)


def worker_pool(workers: int) -> AbstractContextManager[ProcessPoolExecutor]:
    """Return the pool that jobs share at present, or one of `workers` processes for one job alone."""
    return nullcontext(_kept[-1]) if _kept else kept_workers(workers)


@contextmanager
def single_threaded_children() -> Iterator[None]:
    """Limit processes that start in this context to one thread; libraries read these variables on import."""
    before = {name: os.environ.get(name) for name in _THREAD_LIMITS}
    os.environ.update(dict.fromkeys(_THREAD_LIMITS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _start_worker() -> None:
    """Ignore what terminals send to all processes, so that workers finish their pictures."""
    keep_blocks_of_images()
    ignore_terminal()
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this worker if its parent is killed; otherwise it would wait for work forever."""
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)


def checked_workers(workers: int | None) -> int:
    """Return the given number of processes, or one per core.

    Raises:
        PatinaError: the number is below 1.
    """
    if workers is None:
        return os.cpu_count() or 1
    if workers < 1:
        raise PatinaError(f"-workers is {workers}, expected 1 or more")
    return workers
