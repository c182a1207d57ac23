"""Folder jobs in three overlapping stages: computing does not wait for decoding and encoding."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from patina.runs.folder_job import Attempts, JobReport, Outcome, attempt, continued, reported

T = TypeVar("T")
Input = TypeVar("Input")
Output = TypeVar("Output")
R = TypeVar("R")

AHEAD = 2
"""Number of pictures read in advance, and of results waiting to be written; this bounds the memory."""


def run_overlapping_job(
    items: Sequence[T],
    read: Callable[[T], Input],
    compute: Callable[[T, Input], Output],
    write: Callable[[T, Output], R],
    *,
    description: str,
    name: Callable[[T], str],
) -> JobReport[R]:
    """Run a job like `run_folder_job`, with one thread that reads ahead and one that writes behind.

    Items are computed and written in order, in this thread and in the writing thread. Computed results are still
    written after an error or Ctrl-C.

    Args:
        items: e.g. paths.
        read: maps an item to the input of `compute`; runs in the reading thread.
        compute: maps an item and its input to its output.
        write: maps an item and its output to the result for the report; runs in the writing thread.
        description: label of the progress bar.
        name: maps an item to its name in the report.
    """
    return reported(_overlapping(items, read, compute, write), items, description, name)


def _overlapping(
    items: Sequence[T],
    read: Callable[[T], Input],
    compute: Callable[[T, Input], Output],
    write: Callable[[T, Output], R],
) -> Attempts:
    waiting: deque[tuple[int, Future[Outcome]]] = deque()
    with _thread() as reader, _thread() as writer:
        for index, opened in enumerate(_read_ahead(items, read, reader)):
            computed = continued(opened, partial(compute, items[index]))
            if computed.failure is not None:
                yield index, computed
                continue
            waiting.append((index, writer.submit(continued, computed, partial(write, items[index]))))
            while len(waiting) > AHEAD or (waiting and waiting[0][1].done()):
                yield _written(waiting)
        while waiting:
            yield _written(waiting)


def _read_ahead(items: Sequence[T], read: Callable[[T], Input], reader: ThreadPoolExecutor) -> Iterator[Outcome]:
    """Yield the outcomes of reading, in order."""
    reading: deque[Future[Outcome]] = deque()
    for item in items:
        reading.append(reader.submit(attempt, read, item))
        if len(reading) > AHEAD:
            yield reading.popleft().result()
    while reading:
        yield reading.popleft().result()


def _written(waiting: deque[tuple[int, Future[Outcome]]]) -> tuple[int, Outcome]:
    index, written = waiting.popleft()
    return index, written.result()


@contextmanager
def _thread() -> Iterator[ThreadPoolExecutor]:
    """Yield a pool of one thread; at the end it finishes all submitted work, also after an error."""
    pool = ThreadPoolExecutor(1)
    try:
        yield pool
    finally:
        pool.shutdown()
